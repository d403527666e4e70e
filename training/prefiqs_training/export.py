"""Step 5. Checkpoints -> models/prefiqs_face.onnx and models/prefiqs_detector.onnx.

    python3 -m prefiqs_training.export --work work/ --output models/

Weights are stored as fp16, each with a Cast to float in front of its use, and every BatchNormalization stays a node:
pruning looks at the weights that were trained.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import torch

from .detector_network import OUTPUTS, Detector, Exported


def load_weights(network, path, new=()):
    """The weights and statistics of a network that export() wrote: a training can go on from what is shipped.

    Layers whose names begin with one of `new` may be missing in the file: they keep what they have.
    """
    state, found = network.state_dict(), set()
    for initializer in onnx.load(str(path)).graph.initializer:
        name = initializer.name.removesuffix(".half").removeprefix("detector.")
        values = torch.from_numpy(onnx.numpy_helper.to_array(initializer).astype(np.float32))
        if name in state:
            state[name] = values.reshape(state[name].shape)
            found.add(name)
    for name in state.keys() - found:
        # Two biases that are added up have the same gradients, so the same values, and are exported once.
        twin = name.replace("shortcut.1.bias", "bn3.bias")
        if twin in found:
            state[name] = state[twin]
        elif not name.endswith("num_batches_tracked") and not name.startswith(tuple(new)):
            raise ValueError(f"{path}: holds no {name}")
    network.load_state_dict(state)


def export(network, size, path, outputs, dynamic):
    network.eval()
    x = torch.zeros(1, 3, *size)
    torch.onnx.export(network, x, str(path), input_names=["input"], output_names=outputs, opset_version=13,
                      dynamic_axes=dynamic, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)


def halve(path, metadata, smallest=64):
    """Float initializers of `smallest` elements and more become fp16; the file gets its metadata and loses PyTorch's scopes."""
    model = onnx.load(str(path))
    casts = []
    for initializer in model.graph.initializer:
        values = onnx.numpy_helper.to_array(initializer)
        if values.dtype != np.float32 or values.size < smallest:
            continue
        half = values.astype(np.float16)
        if not np.isfinite(half).all():
            raise ValueError(f"{initializer.name} does not fit into fp16")
        name = initializer.name
        initializer.CopyFrom(onnx.numpy_helper.from_array(half, name + ".half"))
        casts.append(onnx.helper.make_node("Cast", [name + ".half"], [name], name=name + ".cast", to=onnx.TensorProto.FLOAT))
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model, full_check=True)
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
        export(student, (112, 112), path, ["embedding"], {"input": {0: "batch"}, "embedding": {0: "batch"}})
        halve(path, {"prefiqs.preprocessing": '{"channels":"rgb","mean":127.5,"scale":127.5}',
                     "prefiqs.recipe": json.dumps(RECIPE)})
    checkpoints = [arguments.work / name for name in ("detector_best.pt", "detector.pt")]
    checkpoint = next((path for path in checkpoints if path.exists()), None)
    if checkpoint:
        detector = Detector()
        detector.load_state_dict({**detector.state_dict(), **torch.load(checkpoint, map_location="cpu")["mean"]})
        path = arguments.output / "prefiqs_detector.onnx"
        dynamic = {"input": {0: "batch", 2: "height", 3: "width"}}
        dynamic.update({name: {0: "batch", 1: "cells"} for name in OUTPUTS})
        export(Exported(detector), (640, 640), path, OUTPUTS, dynamic)
        halve(path, {})


if __name__ == "__main__":
    main()
