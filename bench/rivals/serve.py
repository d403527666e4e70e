"""How bench/compare speaks to a rival (and to bench/throughput): one process for each configuration, all of them alive
at the same time, measured in turn.

The process is given DENSE.onnx PRUNED.onnx PIXELS WIDTH HEIGHT BATCH THREADS FORM; PIXELS holds the bytes of BATCH
RGB crops, which it makes (x - 127.5) / 127.5 of before anything is measured. FORM is a precision, and of PyTorch's bf16
also how (pytorch.py). When it is warm it prints one line of JSON:
engine, version, and the drift of the first crop, by which bench/compare sees that everybody runs the same networks. Then,
for each line on standard input, a number of seconds, it runs both networks over the batch for about so long and
prints one line with the median, ms_per_image. It ends with its input.
"""
import json
import statistics
import sys
import time

import numpy as np

WARM_UP = 3  # runs before the first measurement


class Job:
    def __init__(self, words):
        self.dense, self.pruned, pixels = words[:3]
        self.width, self.height, self.batch, self.threads = map(int, words[3:7])
        self.form = words[7]
        shape = (self.batch, self.height, self.width, 3)
        crops = np.fromfile(pixels, np.uint8, int(np.prod(shape))).reshape(shape)
        self.input = np.ascontiguousarray(((crops.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2))


def drift(dense, pruned):
    """Of the first crop."""
    a, b = (np.asarray(e, np.float64).reshape(len(e), -1)[0] for e in (dense, pruned))
    return float(np.linalg.norm(a / np.linalg.norm(a) - b / np.linalg.norm(b)))


def serve(engine, version, job, once, **more):
    """`once`: runs both networks over the batch and returns their embeddings."""
    first = once()
    for _ in range(WARM_UP):
        once()
    print(json.dumps({"engine": engine, "version": version, "drift": drift(*first), **more}), flush=True)
    for line in sys.stdin:
        times, end = [], time.perf_counter() + float(line)
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            once()
            times.append(1000 * (time.perf_counter() - start))
        print(json.dumps({"ms_per_image": statistics.median(times) / job.batch, "runs": len(times)}), flush=True)
