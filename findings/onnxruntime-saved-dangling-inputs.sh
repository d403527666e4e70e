#!/usr/bin/env bash
# ONNX Runtime: a file that it saves after optimising can want inputs that the original did not want and that no node reads.
#
# GUESS:     A network that runs with its picture alone runs with its picture alone after ONNX Runtime has optimised and saved it.
# BEHAVIOUR: Up to IR 3 a file lists its initializers among its inputs, where they are defaults. Initializers that hold the
#            same small constant are merged; those that are left over disappear, but their inputs stay in the saved file.
#            They are inputs without a default then: ONNX Runtime refuses to run its own file without them.
# MATTERS:   Files of MXNet's exporter are such files: one shape for each slope, all equal. A reader that finds the picture
#            as the one input without an initializer finds several.
# VERSION:   npm's onnxruntime-node 1.30.0, level basic.
# SOURCE:    onnxruntime/core/optimizer/constant_sharing.cc; the program below.
# OUTPUT SEEN:
#   original wants: x; runs with x alone: yes
#   saved wants: x, shape1; runs with x alone: no; nodes that read shape1: 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python=/usr/bin/python3
$python -c 'import onnx' 2>/dev/null || { echo "onnxruntime-saved-dangling-inputs: skipped: no python3-onnx"; exit 0; }
command -v node npm >/dev/null || { echo "onnxruntime-saved-dangling-inputs: skipped: no node and npm"; exit 0; }
echo '{}' >package.json
npm install --ignore-scripts --no-audit --no-fund onnxruntime-node@1.30.0 >/dev/null 2>&1 ||
  { echo "onnxruntime-saved-dangling-inputs: skipped: npm has no onnxruntime-node 1.30.0"; exit 0; }

cat >write.py <<'P'
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

constants = {'shape1': np.array([2, 3], np.int64), 'shape2': np.array([2, 3], np.int64)}
nodes = [helper.make_node('Reshape', ['x', 'shape1'], ['a']), helper.make_node('Relu', ['x'], ['r']),
         helper.make_node('Reshape', ['r', 'shape2'], ['b']), helper.make_node('Add', ['a', 'b'], ['y'])]
inputs = [helper.make_tensor_value_info('x', TensorProto.FLOAT, [6])]
inputs += [helper.make_tensor_value_info(name, TensorProto.INT64, [2]) for name in constants]
graph = helper.make_graph(nodes, 'shapes', inputs, [helper.make_tensor_value_info('y', TensorProto.FLOAT, [2, 3])],
                          [numpy_helper.from_array(values, name) for name, values in constants.items()])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 8)])
model.ir_version = 3
onnx.checker.check_model(model)
onnx.save(model, 'original.onnx')
P
cat >show.js <<'J'
const ort = require('onnxruntime-node');
(async () => {
  const quiet = {logSeverityLevel: 4};
  await ort.InferenceSession.create('original.onnx',
                                    {...quiet, graphOptimizationLevel: 'basic', optimizedModelFilePath: 'saved.onnx'});
  for (const name of ['original', 'saved']) {
    const session = await ort.InferenceSession.create(`${name}.onnx`, quiet);
    const runs = await session.run({x: new ort.Tensor('float32', new Float32Array(6), [6])}).then(() => 'yes', () => 'no');
    console.log(`${name} wants: ${session.inputNames.join(', ')}; runs with x alone: ${runs}`);
  }
})();
J
cat >readers.py <<'P'
import onnx

nodes = onnx.load('saved.onnx').graph.node
print('nodes that read shape1:', sum('shape1' in node.input for node in nodes))
P
{
  $python write.py
  node show.js
  $python readers.py
} | paste -sd '|' | sed 's/|saved/\nsaved/; s/|/; /' | tee seen

diff seen - <<'WANTED' && echo "onnxruntime-saved-dangling-inputs: as described"
original wants: x; runs with x alone: yes
saved wants: x, shape1; runs with x alone: no; nodes that read shape1: 0
WANTED
