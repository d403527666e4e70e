"""The table of forms: a row names a file, whose spelling it is, and what prefiqs is expected to do with it."""
import dataclasses

import numpy as np

from . import bodies, interfaces, numbers, others, pytorch, quantised, run, runtime, spelling, tensorflow

TORCH = 'pytorch/pytorch: torch/onnx/'
TORCH_LIB = 'microsoft/onnxscript: onnxscript/function_libs/torch_lib/ops/'
TF = 'onnx/tensorflow-onnx: tf2onnx/'
KERAS = 'onnx/keras-onnx: keras2onnx/ke2onnx/'
MXNET = 'apache/mxnet: python/mxnet/onnx/mx2onnx/_op_translations/'
PADDLE = 'PaddlePaddle/Paddle2ONNX: paddle2onnx/mapper/'
ORT = 'microsoft/onnxruntime: onnxruntime/'
CORE = f'{ORT}core/optimizer/'
HALF = 'microsoft/onnxconverter-common: onnxconverter_common/float16.py'
TOOLS = f'{ORT}python/tools/'
FUSED_EPSILON = 1e-3  # Keras' own of LayerNormalization

WITH_SLOPES, WITH_GATES, TRANSFORMER = 'convolutional', 'mobile', 'transformer'


@dataclasses.dataclass(frozen=True)
class Form:
    name: str                     # of the file, without .onnx
    exporter: str
    special: str
    source: str                   # repository: file that spells it so
    network: str                  # of bodies.BODIES
    spelling: type
    unit: str | None = None       # the spelling's method that brings the embedding to length 1
    function: dict = dataclasses.field(default_factory=dict)  # which function of that name: arguments of numbers.Numbers
    pixels: str = 'planes'        # what its input takes: run.pixels_for
    options: tuple = ()           # of prefiqs, beside those for `pixels`
    refused: str | None = None    # words of the message, where prefiqs does not take it
    bound: float = 1e-5           # how far prefiqs may be away from what is computed
    reason: str = ''              # why that is more
    runtime_bound: float = 1e-5   # how far ONNX Runtime may be away
    runtime_reason: str = ''      # why that is more
    runtime_refuses: bool = False
    runtime_unasked: str = ''     # why ONNX Runtime is not asked
    stored_beside: bool = False   # weights in a file of their own


F = Form
FORMS = [
    F('plain-convolutional', 'none', 'the network of convolutions as plainly as opset 13 has it', '', WITH_SLOPES,
      spelling.Spelling),
    F('plain-mobile', 'none', 'the network with hard swish and gates', '', WITH_GATES, spelling.Spelling),
    F('plain-transformer', 'none', 'the transformer', '', TRANSFORMER, spelling.Spelling),

    F('torchscript', 'PyTorch, TorchScript', 'opset 11; normalisations folded, slopes C×1×1', f'{TORCH}symbolic_opset9.py',
      WITH_SLOPES, pytorch.TorchScript),
    F('torchscript-unfolded', 'PyTorch, TorchScript',
      'opset 9, not folded: Unsqueeze of slopes, `view` as Shape, Gather, Unsqueeze, Concat, Reshape; initializers are inputs',
      f'{TORCH}symbolic_opset9.py', WITH_SLOPES, pytorch.Unfolded),
    F('torchscript-opset7', 'PyTorch 0.4', 'opset 7, IR 3, numbered values, `spatial`, Dropout, a batch of one',
      f'{TORCH}symbolic.py', WITH_SLOPES, pytorch.Old),
    F('torchscript-normalize', 'PyTorch, TorchScript', 'F.normalize: ReduceL2, Clip, Shape, Expand, Div',
      f'{TORCH}symbolic_opset9.py', WITH_SLOPES, pytorch.TorchScript, unit='normalise'),
    F('torchscript-normalize-pow', 'PyTorch 2.0, 2.1', 'F.normalize: Abs, Pow, ReduceSum, Pow; Clip with an absent bound',
      f'{TORCH}symbolic_opset9.py', WITH_SLOPES, pytorch.PowerNorm, unit='normalise'),
    F('torchscript-two-outputs', 'PyTorch, AdaFace', 'two outputs: the embedding of length 1, and its length',
      'mk-minchul/AdaFace: net.py', WITH_SLOPES, pytorch.TwoOutputs),
    F('torchscript-two-outputs-named', 'PyTorch, AdaFace', 'the same, asked for by name', 'mk-minchul/AdaFace: net.py',
      WITH_SLOPES, pytorch.TwoOutputs, options=('--output-name', 'feature')),
    F('torchscript-open-size', 'PyTorch, TorchScript', 'height and width are dynamic axes', f'{TORCH}utils.py', WITH_SLOPES,
      interfaces.OpenSize),
    F('torchscript-column', 'PyTorch, TorchScript', 'output N×64×1×1', f'{TORCH}symbolic_opset9.py', WITH_SLOPES,
      interfaces.Column),
    F('torchscript-squeeze', 'PyTorch, TorchScript', '`squeeze` of a size not known: If', f'{TORCH}symbolic_opset11.py',
      WITH_GATES, interfaces.Conditional),
    F('torchscript-mobile', 'PyTorch, TorchScript', 'opset 11: hard swish as Add, Clip, Mul, Div',
      f'{TORCH}symbolic_opset9.py', WITH_GATES, pytorch.TorchScript),
    F('torchscript-hardswish', 'PyTorch, TorchScript', 'opset 14: HardSwish', f'{TORCH}symbolic_opset14.py', WITH_GATES,
      pytorch.HardSwish),
    F('torchscript-vit', 'PyTorch, TorchScript',
      'opset 11: LayerNormalization and GELU in parts; query, key and value gathered from one matrix',
      f'{TORCH}symbolic_opset9.py', TRANSFORMER, pytorch.TorchScript),
    F('torchscript-vit-class-token', 'PyTorch, TorchScript',
      'class token by expand: ConstantOfShape, Mul, Equal, Where, Expand, Concat', f'{TORCH}symbolic_opset9.py', TRANSFORMER,
      pytorch.TorchScript, function={'class_token': True}),
    F('torchscript-vit-attention', 'PyTorch 2, TorchScript',
      'opset 17: LayerNormalization; scaled_dot_product_attention computes its scale from a shape',
      f'{TORCH}symbolic_opset14.py', TRANSFORMER, pytorch.ScaledDotProduct),
    F('torchscript-vit-einsum', 'PyTorch, TorchScript', 'attention by einsum: Einsum', f'{TORCH}symbolic_opset12.py',
      TRANSFORMER, pytorch.Einsum),
    F('torchscript-training', 'PyTorch, TorchScript', 'exported in training mode: BatchNormalization with three outputs',
      f'{TORCH}symbolic_opset14.py', WITH_GATES, pytorch.Training, refused='training_mode',
      runtime_unasked='not asked: statistics of the batch are another function'),

    F('dynamo', 'PyTorch, dynamo', 'opset 18, IR 10: slopes 1×C×1×1, Reshape with allowzero, Shape of one axis',
      f'{TORCH_LIB}core.py', WITH_SLOPES, pytorch.Dynamo, unit='normalise'),
    F('dynamo-mobile', 'PyTorch, dynamo', 'average pooling as ReduceMean with axes as an input', f'{TORCH_LIB}core.py',
      WITH_GATES, pytorch.Dynamo),
    F('dynamo-vit', 'PyTorch, dynamo', 'matrices behind a Transpose; attention in parts', f'{TORCH_LIB}nn.py', TRANSFORMER,
      pytorch.Dynamo),
    F('dynamo-vit-class-token', 'PyTorch, dynamo', 'class token: Expand to a shape of Shape and Concat', f'{TORCH_LIB}core.py',
      TRANSFORMER, pytorch.Dynamo, function={'class_token': True}),
    F('dynamo-vit-opset23', 'PyTorch, dynamo', 'opset 23: Attention and Gelu', f'{TORCH}_internal/exporter/_torchlib/ops/nn.py',
      TRANSFORMER, pytorch.Attention),
    F('dynamo-opset24', 'PyTorch, dynamo', 'opset 24, IR 12', f'{TORCH}_internal/exporter/_core.py', WITH_SLOPES,
      interfaces.Numbered24, unit='normalise'),
    F('dynamo-opset25', 'PyTorch, dynamo', 'opset 25, IR 13', f'{TORCH}_internal/exporter/_core.py', WITH_SLOPES,
      interfaces.Numbered25, unit='normalise'),
    F('dynamo-functions', 'PyTorch 2.1, dynamo', 'modules and ATen operators are functions in the file; sums through CastLike',
      f'{TORCH_LIB}core.py', WITH_SLOPES, pytorch.Functions),
    F('dynamo-functions-mobile', 'PyTorch 2.1, dynamo', 'functions that call functions, with attributes from the call',
      f'{TORCH_LIB}core.py', WITH_GATES, pytorch.Functions),
    F('dynamo-external-data', 'PyTorch, dynamo', 'weights in FILE.onnx.data', f'{TORCH}_internal/exporter/_onnx_program.py',
      WITH_SLOPES, pytorch.Dynamo, stored_beside=True),

    F('tf2onnx', 'tf2onnx', 'channels last; PReLU as Relu, Neg, Mul, Add; SAME padding; matrix in row, column, channel order',
      f'{TF}onnx_opset/nn.py', WITH_SLOPES, tensorflow.Tf2Onnx, function={'padding': 'same'}, pixels='channels last'),
    F('tf2onnx-l2-normalize', 'tf2onnx', 'l2_normalize: Mul, ReduceSum, Max, Sqrt, Reciprocal, Mul', f'{TF}onnx_opset/math.py',
      WITH_SLOPES, tensorflow.Tf2Onnx, unit='l2_normalize', function={'padding': 'same'}, pixels='channels last'),
    F('tf2onnx-nchw', 'tf2onnx', '--inputs-as-nchw', f'{TF}convert.py', WITH_SLOPES, tensorflow.ChannelsFirst,
      function={'padding': 'same'}),
    F('tf2onnx-auto-pad', 'tf2onnx', 'opset 9: auto_pad SAME_UPPER; normalisation computed from constants in the graph',
      f'{TF}onnx_opset/nn.py', WITH_SLOPES, tensorflow.AutoPad, function={'padding': 'same'}, pixels='channels last'),
    F('tf2onnx-mobile', 'tf2onnx', 'relu6 as Clip, GlobalAveragePool and Squeeze', f'{TF}optimizer/global_pool_optimizer.py',
      WITH_GATES, tensorflow.Tf2Onnx, function={'padding': 'same'}, pixels='channels last'),
    F('tf2onnx-mobile-opset9', 'tf2onnx', 'opset 9: Clip and ReduceMean with attributes', f'{TF}onnx_opset/math.py',
      WITH_GATES, tensorflow.AutoPad, function={'padding': 'same'}, pixels='channels last'),
    F('tf2onnx-vit', 'tf2onnx', 'LayerNormalization by moments: Sqrt, Reciprocal, Mul, Sub, Add', f'{TF}onnx_opset/math.py',
      TRANSFORMER, tensorflow.Tf2Onnx, pixels='channels last'),
    F('tf2onnx-vit-fused-norm', 'tf2onnx',
      'LayerNormalization with an epsilon over 1.001e-5: BatchNormalization with computed statistics',
      f'{TF}onnx_opset/nn.py', TRANSFORMER, tensorflow.FusedLayerNorm, function={'epsilon': FUSED_EPSILON},
      pixels='channels last'),
    F('keras2onnx', 'keras2onnx', 'each layer between two Transpose; normalisation with mean 0 and variance 1',
      f'{KERAS}conv.py', WITH_SLOPES, tensorflow.Keras2Onnx, function={'padding': 'same'}, pixels='channels last'),
    F('keras2onnx-mobile', 'keras2onnx', 'ReLU as LeakyRelu of 0, Reshape to [0, -1]', f'{KERAS}pooling.py', WITH_GATES,
      tensorflow.Keras2Onnx, function={'padding': 'same'}, pixels='channels last'),

    F('mxnet', 'MXNet 1.5, insightface',
      'opset 8: pixels scaled inside, slopes reshaped to 1×C×1×1, `spatial` 0, Dropout; initializers are inputs',
      'SthPhoenix/InsightFace-REST: src/converters/mx2onnx_conv/onnx/mx2onnx/_op_translations.py', WITH_SLOPES, others.Mxnet,
      pixels='raw planes'),
    F('mxnet-l2', 'MXNet', 'add_n: Sum; L2Normalization: LpNormalization', f'{MXNET}_op_translations_opset12.py', WITH_SLOPES,
      others.MxnetSum, unit='l2_normalization', pixels='raw planes'),
    F('mxnet-opset13', 'MXNet 1.9', 'opset 13: Dropout is Identity', f'{MXNET}_op_translations_opset13.py', WITH_GATES,
      others.Mxnet13, pixels='raw planes'),
    F('mxnet-slopes', 'MXNet', 'slopes of one axis, which line up with the columns', f'{MXNET}_op_translations_opset12.py',
      WITH_SLOPES, others.MxnetSlopes, pixels='raw planes', refused='PRelu', runtime_refuses=True),

    F('paddle', 'Paddle2ONNX', 'weights are Constant nodes, slopes reshaped, flatten by Shape, Slice, Concat',
      f'{PADDLE}tensor/flatten.cc', WITH_SLOPES, others.Paddle),
    F('paddle-normalize', 'Paddle2ONNX', 'normalize: Abs, Pow, ReduceSum, Pow, Max, Div', f'{PADDLE}tensor/p_norm.cc',
      WITH_SLOPES, others.Paddle, unit='normalize'),
    F('paddle-norm', 'Paddle2ONNX', 'opset 14; norm: LpNormalization', f'{PADDLE}nn/norm.cc', WITH_SLOPES, others.Paddle14,
      unit='norm_op'),
    F('paddle-mobile', 'Paddle2ONNX', 'opset 11: hard swish in parts; convolution and its bias apart',
      f'{PADDLE}activation/hard_swish.cc', WITH_GATES, others.Paddle),
    F('paddle-mobile-opset14', 'Paddle2ONNX', 'opset 14: HardSwish', f'{PADDLE}activation/hard_swish.cc', WITH_GATES,
      others.Paddle14),
    F('paddle-vit', 'Paddle2ONNX', 'LayerNormalization in parts, with nodes that nothing reads', f'{PADDLE}nn/layer_norm.cc',
      TRANSFORMER, others.Paddle),

    F('ort-extended', 'ONNX Runtime optimiser', 'level extended: FusedConv, FusedGemm', f'{CORE}conv_activation_fusion.cc',
      WITH_GATES, runtime.Extended),
    F('ort-extended-vit', 'ONNX Runtime optimiser',
      'level extended: FusedMatMul, BiasGelu, SkipLayerNormalization, LayerNormalization although the opset is 13',
      f'{CORE}layer_norm_fusion.cc', TRANSFORMER, runtime.Extended),
    F('ort-extended-quick-gelu', 'ONNX Runtime optimiser', 'level extended: QuickGelu', f'{CORE}quick_gelu_fusion.cc',
      TRANSFORMER, runtime.QuickGelu, function={'gelu': 'quick'}),
    F('ort-all', 'ONNX Runtime optimiser', 'level all: convolutions in blocks of channels', f'{CORE}nchwc_transformer.cc',
      WITH_SLOPES, runtime.Nchwc, refused='one processor',
      runtime_unasked='not asked: the file suits processors with the same vector length as the one that saved it'),
    F('ort-transformers', 'onnxruntime.transformers', 'Attention, SkipLayerNormalization with its sum as an output, BiasGelu',
      f'{TOOLS}transformers/fusion_attention.py', TRANSFORMER, runtime.Transformers),
    F('ort-transformers-multihead', 'onnxruntime.transformers', 'MultiHeadAttention, FastGelu',
      f'{TOOLS}transformers/fusion_gelu_approximation.py', TRANSFORMER, runtime.MultiHead, function={'gelu': 'tanh'}),

    F('weights-int8-channels', 'ONNX Runtime quantiser', 'weights alone: DequantizeLinear, a scale a channel',
      f'{TOOLS}quantization/qdq_quantizer.py', WITH_SLOPES, quantised.Dequantised),
    F('weights-uint8', 'ONNX Runtime quantiser', 'opset 10: weights as bytes with a zero point, a scale a tensor',
      f'{TOOLS}quantization/qdq_quantizer.py', WITH_SLOPES, quantised.DequantisedTensor),
    F('weights-int4-blocks', 'ONNX Runtime quantiser', 'opset 21: four bits, a scale for 16 weights',
      f'{TOOLS}quantization/matmul_nbits_quantizer.py', WITH_SLOPES, quantised.DequantisedBlocks),
    F('weights-nbits', 'ONNX Runtime quantiser', 'MatMulNBits', f'{TOOLS}quantization/matmul_nbits_quantizer.py', WITH_SLOPES,
      quantised.MatMulNBits),
    F('quantised-qdq', 'ONNX Runtime quantiser', 'activations too: QuantizeLinear and DequantizeLinear',
      f'{TOOLS}quantization/qdq_quantizer.py', WITH_SLOPES, quantised.QuantisedActivations, refused='quantised',
      runtime_bound=0.2, runtime_reason='activations have 8 bits'),
    F('quantised-operators', 'ONNX Runtime quantiser', 'QLinearConv', f'{TOOLS}quantization/operators/conv.py', WITH_SLOPES,
      quantised.QuantisedOperators, refused='quantised', runtime_bound=0.2, runtime_reason='activations have 8 bits'),
    F('quantised-dynamic', 'ONNX Runtime quantiser', 'DynamicQuantizeLinear, MatMulInteger',
      f'{TOOLS}quantization/operators/matmul.py', WITH_SLOPES, quantised.DynamicallyQuantised, refused='quantised',
      runtime_bound=0.2, runtime_reason='activations have 8 bits'),

    F('half', 'onnxconverter-common', 'convert_float_to_float16 with keep_io_types: casts at both ends',
      HALF, WITH_SLOPES, quantised.Half, runtime_bound=1e-2,
      runtime_reason='activations have 16 bits'),
    F('half-all', 'onnxconverter-common', 'input and output float16', HALF,
      WITH_SLOPES, quantised.AllHalf, pixels='half planes', runtime_bound=1e-2, runtime_reason='activations have 16 bits'),
    F('half-blocked', 'onnxconverter-common', 'operators that stay in float32 between casts',
      HALF, WITH_SLOPES, quantised.Half, unit='normalise',
      runtime_bound=1e-2, runtime_reason='activations have 16 bits'),
    F('half-vit', 'onnxconverter-common', 'the transformer in float16',
      HALF, TRANSFORMER, quantised.HalfTransformer, bound=1e-4, reason='its constants have 16 bits too',
      runtime_bound=1e-2, runtime_reason='activations have 16 bits'),
    F('bfloat16-weights', 'by hand', 'bfloat16 weights behind Cast', '', WITH_GATES, quantised.Brain),

    F('bytes-channels-last', 'PyTorch, TorchScript', 'N×112×112×3 bytes: Cast, Transpose, Sub, Div inside',
      f'{TORCH}symbolic_opset9.py', WITH_SLOPES, interfaces.Bytes, pixels='bytes'),
    F('keypoints', 'PyTorch, KPRPE', 'five points as a second input',
      'mk-minchul/CVLface: cvlface/research/recognition/code/run_v1/models/swin_kprpe/__init__.py', WITH_SLOPES,
      interfaces.Keypoints, refused='keypoints', runtime_unasked='not asked: it wants the points'),
]

PREPROCESSING = {'planes': ('--preset', 'arcface'), 'half planes': ('--preset', 'arcface'),
                 'channels last': ('--preset', 'arcface'), 'raw planes': ('--preset', 'raw'), 'bytes': ()}


def options(form):
    """What prefiqs is told about the file."""
    return (*PREPROCESSING[form.pixels], *form.options)


@dataclasses.dataclass(frozen=True)
class Made:
    form: Form
    path: object
    wanted: np.ndarray   # N x 64: the embeddings of the crops at length 1, computed in double precision
    output: str
    single: bool         # takes a batch of one


def make(form, folder):
    """Writes the file; the same bytes in every run."""
    function = dict(form.function)
    weights = bodies.weights(form.network, function.get('class_token', False))
    made = form.spelling(weights, **{key: value for key, value in function.items() if key != 'gelu'})
    made.unit = form.unit
    model = made.model(bodies.BODIES[form.network])
    path = folder / f'{form.name}.onnx'
    if form.stored_beside:
        interfaces.external(model, path)
    path.write_bytes(model.SerializeToString(deterministic=True))
    weights |= getattr(made, 'meant', {})
    wanted = numbers.embeddings(form.network, weights, run.crops(), **function)
    return Made(form, path, wanted, model.graph.output[0].name, made.batch == 1)


def apart(embeddings, wanted):
    """The largest difference of two embeddings of length 1, in any element and by the cosine; NaN where there is none."""
    found = numbers.unit(np.reshape(embeddings, wanted.shape))
    return float(np.maximum(np.abs(found - wanted).max(), np.abs(1 - (found * wanted).sum(1)).max()))
