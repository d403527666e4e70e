#!/usr/bin/env python3
"""Writes the seeds of onnx_fuzz into corpus/onnx: tiny networks of our own, one for each path through the reader."""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent / "corpus" / "onnx"
F = TensorProto.FLOAT


def tensor(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def ints(name, values):
    return tensor(name, values, np.int64)


def save(name, nodes, inits=(), opset=17, shape=(1, 2, 4, 4), type_=F, outputs=("y",), extra_inputs=(), functions=()):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", type_, shape), *extra_inputs],
        [helper.make_tensor_value_info(o, F, None) for o in outputs], list(inits))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="",
                              functions=list(functions))
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())


def one(name, op, inputs=("x",), inits=(), opset=17, shape=(1, 2, 4, 4), outputs=("y",), **attributes):
    save(name, [helper.make_node(op, list(inputs), list(outputs), **attributes)], inits, opset, shape, outputs=outputs)


def operators_written_in_others():
    """One network for each rule of src/model/decompose*.cc."""
    four, ms = tensor("s", np.ones(4)), {"domain": "com.microsoft"}
    two = [tensor("s", [1, 2]), tensor("b", [0, 1])]
    heads, bias = [tensor("k", np.ones((1, 2, 4, 4)))], tensor("b", np.ones(12))
    for op, opset in (("Neg", 13), ("Abs", 13), ("Reciprocal", 13), ("Elu", 6), ("Softplus", 1), ("Selu", 6),
                      ("Celu", 12), ("Mish", 18), ("Softsign", 1), ("Swish", 24), ("ThresholdedRelu", 10)):
        one(op.lower(), op, opset=opset)
    for op in ("Sum", "Mean"):
        one(op.lower(), op, ("x", "x", "s"), [four])
    for op in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare", "ReduceL1"):
        one(op.lower(), op, opset=11, axes=[1, -1], keepdims=0)
    one("reduce_sum_13", "ReduceSum", ("x", "a"), [ints("a", [2])], opset=13)
    one("lp_normalization", "LpNormalization", axis=1, p=1)
    one("einsum", "Einsum", ("x", "x"), opset=12, equation="bhid,bhjd->bhij")
    one("einsum_outer", "Einsum", ("x", "s"), [four], opset=12, equation="bchw,k->wkb")
    one("einsum_implicit", "Einsum", opset=12, equation="dcba")
    packed = [tensor("w", np.arange(48).reshape(3, 1, 16), np.uint8), tensor("k", np.ones(3)), tensor("z", [7, 8, 9], np.uint8)]
    one("mat_mul_nbits", "MatMulNBits", ("x", "w", "k", "z"), packed, K=4, N=3, bits=4, block_size=32, **ms)
    one("mat_mul_nbits_bias", "MatMulNBits", ("x", "w", "k", "", "", "k"), packed[:2], K=4, N=3, bits=4, block_size=32, **ms)
    one("tile", "Tile", ("x", "t"), [ints("t", [1, 2, 1, 3])])
    one("range", "Range", ("a", "b", "c"), [ints("a", 0), ints("b", 7), ints("c", 2)])
    one("mod", "Mod", ("x", "s"), [four], fmod=1)
    one("size", "Size")
    for op in ("Floor", "Ceil", "Round", "Sign", "Log"):
        one(op.lower(), op)
    branches = [helper.make_graph([helper.make_node(op, ["x"], ["in"])], op, [], [helper.make_tensor_value_info("in", F, None)])
                for op in ("Relu", "Neg")]
    save("conditional", [helper.make_node("Size", ["x"], ["size"]), helper.make_node("Equal", ["size", "n"], ["same"]),
                         helper.make_node("If", ["same"], ["y"], then_branch=branches[0], else_branch=branches[1])],
         [ints("n", 32)])
    one("cast_like", "CastLike", ("s", "x"), [ints("s", [3])], opset=15)
    equal = helper.make_node("Equal", ["x", "s"], ["e"])
    either = helper.make_node("Or", ["e", "n"], ["o"])
    both = helper.make_node("And", ["o", "n"], ["a"])
    save("comparisons", [equal, helper.make_node("Not", ["l"], ["n"]), helper.make_node("LessOrEqual", ["x", "s"], ["l"]),
                         either, both, helper.make_node("Where", ["a", "x", "s"], ["y"])], [four])
    one("group_normalization_18", "GroupNormalization", ("x", "s", "b"), two, opset=18, num_groups=2)
    one("group_normalization_21", "GroupNormalization", ("x", "s", "b"), two, opset=21, num_groups=1)
    one("rms_normalization", "RMSNormalization", ("x", "s"), [four], opset=23, axis=-1)
    one("rms_normalization_axis", "RMSNormalization", ("x", "s"), [four], opset=23, axis=2)
    one("simplified_layer_normalization", "SimplifiedLayerNormalization", ("x", "s"), [four])
    one("attention_4d", "Attention", ("x", "k", "x"), heads, opset=23, scale=0.5)
    one("attention_3d", "Attention", ("x", "x", "x", "m"), [tensor("m", [True, False], np.bool_)], opset=24,
        shape=(1, 2, 4), q_num_heads=2, kv_num_heads=2)
    one("gelu_of_onnx_runtime", "Gelu", **ms)
    one("bias_gelu", "BiasGelu", ("x", "s"), [four], **ms)
    one("fast_gelu", "FastGelu", ("x", "s"), [four], **ms)
    one("quick_gelu", "QuickGelu", alpha=1.7, **ms)
    w = tensor("w", np.ones((2, 2, 1, 1)))
    one("fused_conv", "FusedConv", ("x", "w", "", "x"), [w], activation="LeakyRelu", activation_params=[0.1], **ms)
    one("fused_conv_clip", "FusedConv", ("x", "w"), [w], activation="Clip", activation_params=[0.0, 6.0], **ms)
    one("fused_gemm", "FusedGemm", ("x", "w"), [tensor("w", np.ones((4, 3)))], shape=("batch", 4),
        activation="HardSigmoid", activation_alpha=0.2, activation_beta=0.5, **ms)
    one("fused_mat_mul", "FusedMatMul", ("x", "x"), alpha=0.5, transA=1, **ms)
    one("layer_normalization_of_onnx_runtime", "LayerNormalization", ("x", "s", "s"), [four], **ms)
    one("skip_layer_normalization", "SkipLayerNormalization", ("x", "x", "s", "", "s"), [four],
        outputs=("y", "", "", "z"), shape=(1, 2, 4), **ms)
    one("skip_rms_normalization", "SkipSimplifiedLayerNormalization", ("x", "x", "s"), [four], shape=(1, 2, 4), **ms)
    one("multi_head_attention", "MultiHeadAttention", ("x", "x", "x", "b"), [bias], shape=(1, 2, 4), num_heads=2, **ms)
    one("attention_of_onnx_runtime", "Attention", ("x", "w", "b"), [tensor("w", np.ones((4, 12))), bias],
        shape=(1, 2, 4), num_heads=2, **ms)
    one("nchwc", "Conv", ("x", "w"), [w], domain="com.microsoft.nchwc")


def quantised_weights():
    node, scale = helper.make_node, tensor("s", [0.5, 2])
    product = node("MatMul", ["x", "w"], ["y"])
    for name, kind in (("int8", np.int8), ("uint8", np.uint8)):
        save(f"weights_{name}", [node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1), product],
             [tensor("q", [[1, 2], [3, 4]], kind), scale, tensor("z", [1, 2], kind)], opset=13, shape=("batch", 2))
    for code, name in ((21, "uint4"), (22, "int4")):
        packed = TensorProto(name="q", data_type=code, dims=[4, 1], raw_data=bytes([0xf1, 0x82]))
        save(f"weights_{name}", [node("DequantizeLinear", ["q", "s"], ["w"], axis=0, block_size=2), product],
             [packed, tensor("s", [[0.5], [2]])], opset=21, shape=("batch", 4))


def functions():
    def function(name, inputs, outputs, nodes, attributes=()):
        return helper.make_function("mine", name, inputs, outputs, nodes,
                                    [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)], list(attributes))

    node = helper.make_node
    slope = node("LeakyRelu", ["a"], ["t"])
    slope.attribute.add(name="alpha", ref_attr_name="steep", type=onnx.AttributeProto.FLOAT)
    inner = function("inner", ["a"], ["b"], [slope, node("Tanh", ["t"], ["b"])], ["steep"])
    outer = function("outer", ["a", "c"], ["b", "same"], [
        node("inner", ["a"], ["t"], domain="mine", steep=0.5), node("inner", ["t"], ["b"], domain="mine"),
        node("Identity", ["c"], ["same"])])
    save("functions", [node("outer", ["x", "x"], ["y", ""], domain="mine", name="call")], functions=[inner, outer])
    doubled = [function(f"f{i}", ["a"], ["b"], [node(f"f{i + 1}", ["a"], ["t"], domain="mine"),
                                                 node(f"f{i + 1}", ["t"], ["b"], domain="mine")]) for i in range(4)]
    doubled.append(function("f4", ["a"], ["b"], [node("Relu", ["a"], ["b"])]))
    save("functions_doubling", [node("f0", ["x"], ["y"], domain="mine")], functions=doubled)
    save("functions_endless", [node("f", ["x"], ["y"], domain="mine")],
         functions=[function("f", ["a"], ["b"], [node("f", ["a"], ["b"], domain="mine")])])


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    weight = tensor("w", np.linspace(-1, 1, 36).reshape(2, 2, 3, 3))
    four = [tensor(n, [0.5, 2]) for n in "sbmv"]
    one("conv", "Conv", ("x", "w", "b"), [weight, tensor("b", [1, 2])], pads=[1, 1, 1, 1], strides=[2, 2],
        dilations=[1, 1], group=1, kernel_shape=[3, 3])
    one("conv_depthwise", "Conv", ("x", "w"), [tensor("w", np.ones((2, 1, 2, 2)))], group=2, auto_pad="SAME_UPPER")
    one("batch_normalization", "BatchNormalization", ("x", *"sbmv"), four, opset=9, epsilon=1e-3, momentum=0.9)
    one("prelu", "PRelu", ("x", "s"), [tensor("s", [[[0.1]], [[0.2]]])])
    one("clip_6", "Clip", opset=10, min=0.0, max=6.0)
    one("clip_11", "Clip", ("x", "", "h"), [tensor("h", 6)])
    one("softmax_1", "Softmax", opset=11, axis=2)
    one("softmax_13", "Softmax", axis=-1)
    one("upsample", "Upsample", ("x", "c"), [tensor("c", [1, 1, 2, 2])], opset=9, mode="nearest")
    one("resize_11", "Resize", ("x", "", "", "z"), [ints("z", [1, 2, 8, 8])], opset=11, mode="linear",
        coordinate_transformation_mode="align_corners")
    one("resize_18", "Resize", ("x", "", "", "z"), [ints("z", [8, 8])], opset=18, axes=[2, 3], mode="cubic",
        antialias=1)
    one("slice_1", "Slice", opset=9, starts=[1], ends=[-1], axes=[3])
    one("slice_10", "Slice", ("x", "b", "e", "a", "t"),
        [ints("b", [-1]), ints("e", [-9]), ints("a", [3]), ints("t", [-2])])
    one("pad_2", "Pad", opset=10, pads=[0, 0, 1, 1, 0, 0, 1, 1], mode="reflect")
    one("pad_18", "Pad", ("x", "p", "v", "a"), [ints("p", [1, 1]), tensor("v", 2), ints("a", [-1])], opset=18)
    one("split_2", "Split", opset=11, outputs=("y", "z"), axis=1, split=[1, 1])
    one("split_18", "Split", opset=18, outputs=("y", "z", "q"), axis=2, num_outputs=3)
    one("reduce_mean", "ReduceMean", opset=13, axes=[2, 3], keepdims=0)
    one("reduce_l2", "ReduceL2", ("x", "a"), [ints("a", [1])], opset=18)
    one("max_pool", "MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1, pads=[1, 0, 0, 1])
    one("average_pool", "AveragePool", kernel_shape=[3, 3], count_include_pad=1, pads=[1, 1, 1, 1])
    one("layer_normalization", "LayerNormalization", ("x", "s"), [tensor("s", np.ones(4))], axis=-1, stash_type=1)
    one("gelu", "Gelu", opset=20, approximate="tanh")
    one("cast_half", "Cast", to=TensorProto.FLOAT16)
    one("gather", "Gather", ("x", "i"), [ints("i", [1, -1])], axis=1)
    one("transpose", "Transpose", perm=[0, 2, 3, 1])
    one("expand", "Expand", ("x", "n"), [ints("n", [3, 1, 1, 4, 4])])
    one("quantised", "DynamicQuantizeLinear", outputs=("y", "s", "z"))
    one("gemm", "Gemm", ("x", "w", "c"), [tensor("w", np.ones((3, 4))), tensor("c", [1, 2, 3])], shape=("batch", 4),
        transB=1, alpha=0.5)
    half = numpy_helper.from_array(np.asarray([[0.5], [2]], np.float16), "w")
    one("half_weights", "MatMul", ("x", "w"), [half], shape=(1, 2))
    typed = helper.make_tensor("w", F, [2], [1.0, 2.0])
    one("typed_weights", "Add", ("x", "w"), [typed], shape=(1, 2))
    outside = TensorProto(name="w", data_type=F, dims=[2], data_location=TensorProto.EXTERNAL)
    outside.external_data.add(key="location", value="w.bin")
    outside.external_data.add(key="offset", value="0")
    one("external", "Add", ("x", "w"), [outside], shape=(1, 2))
    node = helper.make_node
    save("dynamic_reshape", [
        node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["n"], axis=0),
        node("Constant", [], ["rest"], value_ints=[-1]),
        node("Unsqueeze", ["n", "axes"], ["n1"]), node("Concat", ["n1", "rest"], ["target"], axis=0),
        node("Reshape", ["x", "target"], ["y"])
    ], [ints("zero", 0), ints("axes", [0])], shape=("batch", 2, 4, 4))
    save("folded", [
        node("Constant", [], ["a"], value_float=2.0), node("ConstantOfShape", ["n"], ["b"], value=tensor("", [0.5])),
        node("Mul", ["a", "b"], ["c"]), node("Where", ["flag", "x", "c"], ["d"]), node("Squeeze", ["d"], ["e"]),
        node("Dropout", ["e"], ["y"])
    ], [ints("n", [4, 4]), tensor("flag", True, np.bool_)])
    save("residual", [
        node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]), node("Relu", ["a"], ["b"]), node("Add", ["b", "x"], ["c"]),
        node("GlobalAveragePool", ["c"], ["d"]), node("Flatten", ["d"], ["e"]),
        node("Concat", ["e", "e"], ["y"], axis=-1)
    ], [weight])
    save("unordered", [node("Relu", ["a"], ["y"]), node("Sigmoid", ["x"], ["a"])], shape=(2,))
    save("cycle", [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])], shape=(2,))
    save("initialiser_input", [node("Add", ["x", "w"], ["y"])], [tensor("w", [1, 2])], opset=9, shape=(2,),
         extra_inputs=[helper.make_tensor_value_info("w", F, (2,))])
    operators_written_in_others()
    quantised_weights()
    functions()
    print(f"{sum(f.stat().st_size for f in FOLDER.iterdir())} bytes in {FOLDER}", file=sys.stderr)


if __name__ == "__main__":
    main()
