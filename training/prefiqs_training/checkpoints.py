"""Files of a training that are whole or not there, whenever it is interrupted."""

import numpy as np
import torch


def save(path, values):
    part = path.with_name(path.name + ".part")
    torch.save(values, part)
    part.rename(path)


def save_arrays(path, arrays):
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        np.savez(file, **arrays)
    part.rename(path)
