#!/usr/bin/env bash
# ONNX Runtime: a file that it saves after optimising holds LayerNormalization of ONNX's own domain at an opset that has none.
#
# GUESS:     A file that ONNX Runtime saves (optimizedModelFilePath, level "extended") is either valid ONNX, or names its own
#            operators by its own domain, com.microsoft.
# BEHAVIOUR: The parts of a layer normalisation in a file of opset 13 become LayerNormalization in the domain "", and the file
#            still says opset 13; ONNX has that operator since 17, so ONNX's checker refuses the file. ONNX Runtime registers
#            the operator from version 1 on and loads it. The file also imports eight more domains and uses none of them.
# MATTERS:   A reader that checks operators against the opset, as the specification wants it, refuses what ONNX Runtime saves
#            of every older transformer.
# VERSION:   npm's onnxruntime-node 1.30.0, python3-onnx 1.12.0 (Debian 12).
# SOURCE:    onnxruntime/core/optimizer/layer_norm_fusion.cc; the program below.
# OUTPUT SEEN:
#   opset 13, "" LayerNormalization: yes, parts left: no
#   checker: No Op registered for LayerNormalization with domain_version of 13
#   loads again: yes
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python=/usr/bin/python3
$python -c 'import onnx' 2>/dev/null || { echo "onnxruntime-saved-layer-norm: skipped: no python3-onnx"; exit 0; }
command -v node npm >/dev/null || { echo "onnxruntime-saved-layer-norm: skipped: no node and npm"; exit 0; }
echo '{}' >package.json
npm install --ignore-scripts --no-audit --no-fund onnxruntime-node@1.30.0 >/dev/null 2>&1 ||
  { echo "onnxruntime-saved-layer-norm: skipped: npm has no onnxruntime-node 1.30.0"; exit 0; }

cat >write.py <<'P'
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

parts = [('ReduceMean', ['x'], 'mean', {'axes': [-1]}), ('Sub', ['x', 'mean'], 'centred', {}),
         ('Pow', ['centred', 'two'], 'squared', {}), ('ReduceMean', ['squared'], 'variance', {'axes': [-1]}),
         ('Add', ['variance', 'epsilon'], 'more', {}), ('Sqrt', ['more'], 'root', {}), ('Div', ['centred', 'root'], 'unit', {}),
         ('Mul', ['unit', 'scale'], 'scaled', {}), ('Add', ['scaled', 'bias'], 'y', {})]
constants = {'two': np.float32(2), 'epsilon': np.float32(1e-6), 'scale': np.ones(8, np.float32), 'bias': np.zeros(8, np.float32)}
shape = ['n', 4, 8]
graph = helper.make_graph(
    [helper.make_node(op, inputs, [output], **attributes) for op, inputs, output, attributes in parts], 'norm',
    [helper.make_tensor_value_info('x', TensorProto.FLOAT, shape)], [helper.make_tensor_value_info('y', TensorProto.FLOAT, shape)],
    [numpy_helper.from_array(np.asarray(values), name) for name, values in constants.items()])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
model.ir_version = 7
onnx.checker.check_model(model)
onnx.save(model, 'parts.onnx')
P
cat >save.js <<'J'
const ort = require('onnxruntime-node');
const quiet = {logSeverityLevel: 4};
(async () => {
  await ort.InferenceSession.create('parts.onnx',
                                    {...quiet, graphOptimizationLevel: 'extended', optimizedModelFilePath: 'saved.onnx'});
})();
J
cat >look.py <<'P'
import onnx

model = onnx.load('saved.onnx')
opset = next(entry.version for entry in model.opset_import if entry.domain == '')
operators = {(node.domain, node.op_type) for node in model.graph.node}
print(f'opset {opset}, "" LayerNormalization: {"yes" if ("", "LayerNormalization") in operators else "no"}, '
      f'parts left: {"yes" if len(operators) > 1 else "no"}')
try:
    onnx.checker.check_model(model)
    print('checker: valid')
except onnx.checker.ValidationError as error:
    print('checker:', str(error).splitlines()[0])
P
cat >load.js <<'J'
const ort = require('onnxruntime-node');
ort.InferenceSession.create('saved.onnx', {logSeverityLevel: 4})
    .then(() => console.log('loads again: yes'), () => console.log('loads again: no'));
J
{
  $python write.py
  node save.js
  $python look.py
  node load.js
} | tee seen

diff seen - <<'WANTED' && echo "onnxruntime-saved-layer-norm: as described"
opset 13, "" LayerNormalization: yes, parts left: no
checker: No Op registered for LayerNormalization with domain_version of 13
loads again: yes
WANTED
