"""Step 5. Checkpoints -> models/prefiqs_face.onnx and models/prefiqs_detector.onnx.

    python3 -m prefiqs_training.export --work work/ --output models/

Weights are rounded to fp16; onnx_form.py says how they are stored. Every BatchNormalization stays a node: pruning looks
at the weights that were trained.
"""

import argparse
import json
from pathlib import Path

import onnx
import torch

from . import onnx_form
from .detector_network import OUTPUTS, Detector, Exported


def load_weights(network, path, new=()):
    """The weights and statistics of a network that export() wrote: a training can go on from what is shipped.

    Layers whose names begin with one of `new` may be missing in the file: they keep what they have.
    """
    state, found = network.state_dict(), set()
    for name, values in onnx_form.weights(onnx.load(str(path))).items():
        name = name.removeprefix("detector.")
        if name in state:
            state[name] = torch.from_numpy(values.copy()).reshape(state[name].shape)
            found.add(name)
    for name in state.keys() - found:
        # Two biases that are added up have the same gradients, so the same values, and are exported once.
        twin = name.replace("shortcut.1.bias", "bn3.bias")
        if twin in found:
            state[name] = state[twin]
        elif not name.endswith("num_batches_tracked") and not name.startswith(tuple(new)):
            raise ValueError(f"{path}: holds no {name}")
    network.load_state_dict(state)


def spell_out_face(model, metadata):
    onnx_form.spell_out(model, metadata, ("fc.weight", "body.7.conv2.weight"))  # 2 MiB less than as float32


def export(network, size, path, outputs, dynamic, form, metadata):
    """Writes the file, in a form of onnx_form.py."""
    network.eval()
    x = torch.zeros(1, 3, *size)
    torch.onnx.export(network, x, str(path), input_names=["input"], output_names=outputs, opset_version=13,
                      dynamic_axes=dynamic, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    model = onnx.load(str(path))
    form(model, metadata)
    onnx.save(model, str(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    checkpoint = arguments.work / "checkpoint.pt"
    if checkpoint.exists():
        from .network import HEAD_SCALE, RECIPE, Student  # brings a C compiler's work along, which the detector needs not

        student = Student()
        student.load_state_dict(torch.load(checkpoint)["mean"])
        head = arguments.work / "head.pt"
        if head.exists():
            student.load_state_dict(torch.load(head)["network"])
        student.weigh_head(HEAD_SCALE)
        path = arguments.output / "prefiqs_face.onnx"
        export(student, (112, 112), path, ["embedding"], {"input": {0: "batch"}, "embedding": {0: "batch"}},
               spell_out_face, {"prefiqs.preprocessing": '{"channels":"rgb","mean":127.5,"scale":127.5}',
                                "prefiqs.recipe": json.dumps(RECIPE)})
    checkpoints = [arguments.work / name for name in ("detector_best.pt", "detector.pt")]
    checkpoint = next((path for path in checkpoints if path.exists()), None)
    if checkpoint:
        detector = Detector()
        detector.load_state_dict({**detector.state_dict(), **torch.load(checkpoint, map_location="cpu")["mean"]})
        path = arguments.output / "prefiqs_detector.onnx"
        dynamic = {"input": {0: "batch", 2: "height", 3: "width"}}
        dynamic.update({name: {0: "batch", 1: "cells"} for name in OUTPUTS})
        export(Exported(detector), (640, 640), path, OUTPUTS, dynamic, onnx_form.halve, {})


if __name__ == "__main__":
    main()
