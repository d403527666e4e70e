"""Verification accuracy on pairs: the threshold that splits best, on the very pairs (a fold is too small to set one apart)."""

import csv

import numpy as np

from .people import KEPT_OUT, VALIDATION, cfp_splits, lfw_folds


def read_faces(work):
    return list(csv.DictReader(open(work / "faces.csv", newline="")))


def pair_sets(data, faces, fold):
    """{"LFW" | "CFP-FF" | "CFP-FP": (index pairs, mated)} of the fold'th fold and split, -2 (validation) or -1 (kept out).

    Pairs without both faces drop out, and those of somebody who, for the other set's sake, has another role (where faces say theirs).
    """
    role = {-2: VALIDATION, -1: KEPT_OUT}[fold]
    places = {(f["set"], f["picture"]): int(f["index"]) for f in faces if f.get("role", role) == role}
    sets = {}
    rows = [(places.get(("lfw", f"{a}_{i:04d}")), places.get(("lfw", f"{b}_{j:04d}")), mated)
            for a, i, b, j, mated in lfw_folds(data)[fold]]
    sets["LFW"] = rows
    for protocol in ("FF", "FP"):
        splits = list(cfp_splits(data, protocol).values())
        sets[f"CFP-{protocol}"] = [(places.get(("cfp", a)), places.get(("cfp", b)), mated) for a, b, mated in splits[fold]]
    result = {}
    for name, rows in sets.items():
        kept = [(a, b, mated) for a, b, mated in rows if a is not None and b is not None]
        result[name] = (np.array([r[:2] for r in kept]), np.array([r[2] for r in kept]))
    return result


def accuracy(rows, pairs, mated):
    """Best share of right answers over all thresholds; `rows` are unit embeddings."""
    similarity = (rows[pairs[:, 0]] * rows[pairs[:, 1]]).sum(1)
    if not np.isfinite(similarity).all():
        raise ValueError("an embedding is not finite")
    order = np.argsort(-similarity, kind="stable")
    right = np.concatenate([[0], np.cumsum(np.where(mated[order], 1, -1))]) + (~mated).sum()
    return right.max() / len(mated)
