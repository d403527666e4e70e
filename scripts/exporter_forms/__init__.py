"""The forms of scripts/exporters: small face networks as exporters, converters and optimisers spell them.

`bodies` says what the networks are, `numbers` computes them with NumPy, `spelling` writes them as ONNX, and the modules
beside them are the spellings. `registry` is the table of forms."""
