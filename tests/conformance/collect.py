"""ONNX's own node tests, taken from the installed python3-onnx."""
import collections

import numpy as np

# onnx 1.12 uses names that numpy 1.24 dropped.
for _name, _type in (('float', float), ('int', int), ('bool', bool), ('object', object)):
    if _name not in np.__dict__:
        setattr(np, _name, _type)

from onnx.backend.test.case.node import collect_testcases  # noqa: E402  (needs the names above)


def node_cases():
    """(name, model, inputs, outputs) of every node test, in the order of their names, which are made unique: onnx 1.12 has
    two tests called test_resize_tf_crop_and_resize."""
    cases = []
    seen = collections.Counter()
    for case in sorted(collect_testcases(None), key=lambda c: c.name):
        assert len(case.data_sets) == 1, case.name
        inputs, outputs = case.data_sets[0]
        seen[case.name] += 1
        name = case.name if seen[case.name] == 1 else f'{case.name}_{seen[case.name]}'
        cases.append((name, case.model, inputs, outputs))
    return cases
