"""The form of a network file: what is stored, and how. Needs NumPy and onnx, and no PyTorch.

Weights are rounded to fp16 before anything is stored. `halve` stores them as fp16, with a Cast to float in front of each
use. `spell_out` stores the same numbers in a form that readers without fp16 take (OpenCV 4.6): float32, and constants where
a layer wants a constant. The two networks may take 16 MiB together, which float32 alone would pass: so the largest
weights are stored as integers.
"""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

SMALLEST_HALF = 64  # elements; smaller tensors keep their float32
OFFSET = 2**20  # see as_integers()


def rounded(values, name):
    with np.errstate(over="ignore"):  # told below
        half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError(f"{name} does not fit into fp16")
    return half


def add_metadata(model, metadata):
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    checker.check_model(model, full_check=True)


def put_nodes_first(model, nodes):
    nodes = nodes + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def is_rounded(initializer):
    return initializer.data_type == TensorProto.FLOAT and numpy_helper.to_array(initializer).size >= SMALLEST_HALF


def halve(model, metadata):
    """Float initializers of SMALLEST_HALF elements and more become fp16; the model gets its metadata."""
    casts = []
    for initializer in filter(is_rounded, model.graph.initializer):
        name = initializer.name
        half = rounded(numpy_helper.to_array(initializer), name)
        initializer.CopyFrom(numpy_helper.from_array(half, name + ".half"))
        casts.append(helper.make_node("Cast", [name + ".half"], [name], name=name + ".cast", to=TensorProto.FLOAT))
    put_nodes_first(model, casts)
    add_metadata(model, metadata)


def spell_out(model, metadata, as_integers_too=()):
    """Rounds like halve, and stores what readers without fp16 take; the model gets its metadata.

    `as_integers_too` names the weights that are stored as integers. Each costs a reader some milliseconds.
    """
    fold_constants(model)
    nodes, kept = [], []
    for initializer in model.graph.initializer:
        values, name = numpy_helper.to_array(initializer), initializer.name
        if is_rounded(initializer):
            values = rounded(values, name).astype(np.float32)
        if name in as_integers_too:
            tensors, made = as_integers(values, name)
            kept += tensors
            nodes += made
        else:
            kept.append(numpy_helper.from_array(values, name))
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    put_nodes_first(model, nodes)
    add_metadata(model, metadata)


def fold_constants(model):
    """Slopes behind an Unsqueeze and weights behind an Identity become initializers; Casts of what is float go."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    new_name, nodes, expanded = {}, [], set()
    for node in model.graph.node:
        inputs = [new_name.get(name, name) for name in node.input]
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        elif node.op_type == "Unsqueeze" and inputs[0] in constants:
            # The slope keeps its own name, which is the one that trainings look for: it can have one shape alone.
            if inputs[0] in expanded:
                raise ValueError(f"{inputs[0]} is behind two Unsqueezes")
            expanded.add(inputs[0])
            constants[inputs[0]] = np.expand_dims(constants[inputs[0]], tuple(constants[inputs[1]].tolist()))
            new_name[node.output[0]] = inputs[0]
        elif node.op_type == "Identity" or (node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT):
            new_name[node.output[0]] = inputs[0]  # all activations of these networks are float
        else:
            del node.input[:]
            node.input.extend(inputs)
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    tensors = [numpy_helper.from_array(values, name) for name, values in constants.items() if name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def as_integers(values, name):
    """Initializers and nodes that make `values`, fp16 numbers as float32, of about three bytes each.

    An fp16 number is a whole multiple of 2^-24. Protobuf stores an integer from 0 to 2^21 - 1 in three bytes or fewer,
    up to 2^28 - 1 in four and a negative one in ten: with OFFSET added most weights of a wide layer take three. Every step
    back is exact. OpenCV 4.6 computes such constants where both sides have the same shape, and expands along one axis
    only: hence the row, and the Reshape at the end.
    """
    multiples = values.astype(np.float64).ravel() * 2.0**24
    if not (multiples == np.round(multiples)).all() or (np.abs(multiples) + OFFSET > 2**24).any():
        raise ValueError(f"{name} is not rounded to fp16, or has numbers of 0.93 and more")
    integers = TensorProto(name=name + ".integers", data_type=TensorProto.INT32, dims=[1, values.size])
    integers.int32_data.extend((multiples.astype(np.int64) + OFFSET).tolist())
    tensors = [integers]
    for part, array in (("row", np.array([1, values.size], np.int64)), ("shape", np.array(values.shape, np.int64)),
                        ("offset", np.array([[OFFSET]], np.float32)), ("unit", np.array([[2.0**-24]], np.float32))):
        tensors.append(numpy_helper.from_array(array, f"{name}.{part}"))
    nodes = []

    def add(op, inputs, output, **attributes):
        output = f"{name}.{output}" if output else name
        nodes.append(helper.make_node(op, [f"{name}.{i}" for i in inputs], [output], name=output + ".node", **attributes))

    add("Cast", ["integers"], "numbers", to=TensorProto.FLOAT)
    add("Expand", ["offset", "row"], "offsets")
    add("Sub", ["numbers", "offsets"], "multiples")
    add("Expand", ["unit", "row"], "units")
    add("Mul", ["multiples", "units"], "flat")
    add("Reshape", ["flat", "shape"], "")
    return tensors, nodes


def weights(model):
    """The weights of a file of either form as float32, by the names that they had before it was stored."""
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found = {}
    for name, values in tensors.items():
        stem, _, last = name.rpartition(".")
        if last == "half":
            found[stem] = values.astype(np.float32)
        elif last == "integers":
            multiples = values.astype(np.float64) - OFFSET
            found[stem] = (multiples * 2.0**-24).astype(np.float32).reshape(tensors[stem + ".shape"])
        elif values.dtype == np.float32 and stem + ".integers" not in tensors:
            found[name] = values
    return found
