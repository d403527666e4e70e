"""training/prefiqs_training/onnx_form.py: what is stored of a network is the network, in either form."""
import copy
import pathlib
import sys
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parents[1] / 'training')]
from prefiqs_training import onnx_form  # noqa: E402

LARGE = ('fc.weight',)


def exported():
    """As PyTorch exports a network: slopes behind an Unsqueeze, shared biases behind an Identity, a Cast of floats."""
    random = np.random.default_rng(5)
    tensors = {
        'conv.weight': random.normal(size=(8, 3, 3, 3)), 'prelu.weight': random.uniform(0.1, 0.4, 8),
        'bn.weight': random.uniform(0.5, 2, 8), 'bn.bias': random.normal(size=8), 'mean': random.normal(size=8),
        'var': random.uniform(0.5, 2, 8), 'fc.weight': random.normal(size=(16, 8 * 36)) / 20,
        'fc.bias': random.normal(size=16),
    }
    tensors['fc.weight'][0, :3] = [0, 0.5, -0.5]
    nodes = [
        helper.make_node('Identity', ['bn.bias'], ['other.bias']),
        helper.make_node('Conv', ['input', 'conv.weight'], ['c'], kernel_shape=[3, 3]),
        helper.make_node('BatchNormalization', ['c', 'bn.weight', 'other.bias', 'mean', 'var'], ['n']),
        helper.make_node('Constant', [], ['axes'], value=numpy_helper.from_array(np.array([1, 2], np.int64))),
        helper.make_node('Unsqueeze', ['prelu.weight', 'axes'], ['slope']),
        helper.make_node('PRelu', ['n', 'slope'], ['p']),
        helper.make_node('Flatten', ['p'], ['f']),
        helper.make_node('Gemm', ['f', 'fc.weight', 'fc.bias'], ['g'], transB=1),
        helper.make_node('Cast', ['g'], ['float'], to=TensorProto.FLOAT),
        helper.make_node('Relu', ['float'], ['embedding']),
    ]
    graph = helper.make_graph(
        nodes, 'net', [helper.make_tensor_value_info('input', TensorProto.FLOAT, ['batch', 3, 8, 8])],
        [helper.make_tensor_value_info('embedding', TensorProto.FLOAT, ['batch', 16])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in tensors.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=7)


def computed(model, name):
    """A constant of the file, by its nodes in their order: the few operators that onnx_form writes."""
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    work = {'Cast': lambda a: a.astype(np.float32), 'Expand': np.broadcast_to, 'Mul': np.multiply, 'Sub': np.subtract,
            'Reshape': np.reshape}
    for node in model.graph.node:
        if all(i in values for i in node.input) and node.op_type in work:
            operands = [values[i] for i in node.input]
            if node.op_type in ('Expand', 'Reshape'):
                operands[1] = tuple(operands[1])
            values[node.output[0]] = work[node.op_type](*operands)
    return values[name]


class Forms(unittest.TestCase):
    def spelled_out(self):
        model = exported()
        onnx_form.spell_out(model, {'key': 'value'}, LARGE)
        return model

    def test_both_forms_hold_the_same_rounded_weights(self):
        plain = {t.name: numpy_helper.to_array(t) for t in exported().graph.initializer}
        halved = exported()
        onnx_form.halve(halved, {})
        for model in (halved, self.spelled_out()):
            found = onnx_form.weights(model)
            self.assertEqual(found.keys(), plain.keys())
            for name, values in plain.items():
                wanted = values.astype(np.float16).astype(np.float32) if values.size >= 64 else values
                self.assertEqual(found[name].dtype, np.float32)
                self.assertTrue(np.array_equal(found[name].ravel(), wanted.ravel()), name)

    def test_nodes_make_the_weight_from_its_integers(self):
        model = self.spelled_out()
        weight = computed(model, 'fc.weight')
        self.assertEqual((weight.dtype, weight.shape), (np.float32, (16, 288)))
        self.assertTrue(np.array_equal(weight, onnx_form.weights(exported())['fc.weight'].astype(np.float16)))

    def test_has_what_readers_without_fp16_take(self):
        model = self.spelled_out()
        types = {tensor.data_type for tensor in model.graph.initializer}
        self.assertEqual(types, {TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64})
        constants = {tensor.name for tensor in model.graph.initializer}
        nodes = {node.op_type: node for node in model.graph.node}
        self.assertTrue({'Identity', 'Constant', 'Unsqueeze'}.isdisjoint(nodes))
        self.assertIn(nodes['PRelu'].input[1], constants)
        self.assertEqual(nodes['BatchNormalization'].input[2], 'bn.bias')
        self.assertEqual(nodes['Relu'].input[0], 'g')
        self.assertEqual({entry.key: entry.value for entry in model.metadata_props}, {'key': 'value'})

    def test_the_same_model_makes_the_same_file(self):
        self.assertEqual(self.spelled_out().SerializeToString(), self.spelled_out().SerializeToString())

    def test_what_does_not_fit_is_refused(self):
        for value, form, said in ((1e5, onnx_form.halve, 'does not fit into fp16'), (1e5, onnx_form.spell_out, 'fp16'),
                                  (np.nan, onnx_form.spell_out, 'fp16'), (1.5, onnx_form.spell_out, '0.93')):
            model = copy.deepcopy(exported())
            for tensor in model.graph.initializer:
                if tensor.name == 'fc.weight':
                    values = numpy_helper.to_array(tensor).copy()
                    values[0, 0] = value
                    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
            arguments = (LARGE,) if form is onnx_form.spell_out else ()
            with self.assertRaisesRegex(ValueError, f'fc.weight.*{said}'):
                form(model, {}, *arguments)

    def test_the_shipped_network_has_the_form(self):
        model = onnx.load(HERE.parents[1] / 'models/prefiqs_face.onnx')
        self.assertNotIn(TensorProto.FLOAT16, {tensor.data_type for tensor in model.graph.initializer})
        for name in ('fc.weight', 'body.7.conv2.weight'):
            self.assertTrue(np.array_equal(computed(model, name), onnx_form.weights(model)[name]), name)
        size = sum((HERE.parents[1] / 'models' / f'prefiqs_{kind}.onnx').stat().st_size for kind in ('face', 'detector'))
        self.assertLessEqual(size, 16 * 2**20)


if __name__ == '__main__':
    unittest.main()
