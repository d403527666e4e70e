"""What was asked of the engine, and whether it is so. A target is met when the worst of its configurations meets it."""
import math


def where(row, *more):
    return row["network"] + "".join(f", {key} {row[key]}" for key in (*more, "batch", "threads") if key in row)


def twins(rows, network, engine, **wanted):
    """(what the engine takes / what our twin of that precision takes, configuration) of rows that fit."""
    precision = wanted.pop("ours", "fp32")
    for row in rows:
        if row["section"] != "twins" or row["engine"] != engine or not network(row["network"]):
            continue
        if any(row[key] not in values for key, values in wanted.items()) or precision not in row["ratios"]:
            continue
        yield row["ratios"][precision]["median"], where(row)


def of_section(rows, section, network, key):
    for row in rows:
        if row["section"] == section and network(row["network"]):
            yield row[key], where(row, "precision")


def large(name):
    return name in ("iresnet50", "iresnet100")


def largest(name):
    return name == "iresnet100"


def compact(name):
    return "mobilefacenet" in name or "mbf" in name


def anyone(_name):
    return True


ORT, TORCH_AUTOCAST, TORCH_WEIGHTS = "ONNX Runtime fp32", "PyTorch bf16 autocast", "PyTorch bf16 weights"

# What, bound, whether more is better, and the measurements: (value, configuration).
TARGETS = [
    ("fp32 twin, batch 8, beside two passes of ONNX Runtime", "x", 1.8, True, lambda r: twins(r, large, ORT, batch=[8])),
    ("fp32 twin, batch 1, beside two passes of ONNX Runtime", "x", 1.3, True, lambda r: twins(r, large, ORT, batch=[1])),
    ("bf16 twin, batch 8, beside two passes of ONNX Runtime", "x", 9, True,
     lambda r: twins(r, large, ORT, batch=[8], ours="bf16")),
    # Autocast is what was asked for; weights that are bf16 already are faster, and what a user in a hurry would take.
    ("bf16 twin, batch 8, beside two bf16 passes of PyTorch, autocast", "x", 3, True,
     lambda r: twins(r, large, TORCH_AUTOCAST, batch=[8], ours="bf16")),
    ("bf16 twin, batch 8, beside two bf16 passes of PyTorch, bf16 weights", "x", 3, True,
     lambda r: twins(r, large, TORCH_WEIGHTS, batch=[8], ours="bf16")),
    ("MobileFaceNets, batch 1 and 16, beside two passes of ONNX Runtime", "x", 2, True,
     lambda r: twins(r, compact, ORT, batch=[1, 16])),
    ("shared prefix, iresnet100, twin / dense pass", "", 1.15, False, lambda r: of_section(r, "from", largest, "ratio")),
    ("shared prefix, MobileFaceNets, twin / dense pass", "", 1.25, False,
     lambda r: of_section(r, "from", compact, "ratio")),
    ("shared prefix, part of 1 + 1.3 of the suffix's share of multiply-adds", "", 1, False,
     lambda r: of_section(r, "from", anyone, "of_bound")),
    ("start to first score, MobileFaceNets", "ms", 60, False, lambda r: of_section(r, "start", compact, "ours_ms")),
    ("start to first score, iresnet100", "ms", 600, False, lambda r: of_section(r, "start", largest, "ours_ms")),
    ("two threads beside one", "x", 1.9, True, lambda r: of_section(r, "threads", anyone, "ratio")),
    ("peak memory above both networks' weights, score --aligned", "MB", 150, False,
     lambda r: of_section(r, "start", anyone, "above_weights_mb")),
]


def judge(rows):
    """A dict for each target; measured is None where nothing that was measured tells."""
    judged = []
    for what, unit, bound, more, values in TARGETS:
        # What is no number is worse than any.
        found = sorted(values(rows), key=lambda pair: (math.isfinite(pair[0]), pair[0] if more else -pair[0]))
        worst, place = found[0] if found else (None, "")
        met = None if worst is None else (worst >= bound if more else worst <= bound)
        judged.append({"target": what, "bound": bound, "unit": unit, "at_least": more, "measured": worst, "where": place,
                       "configurations": len(found), "met": met})
    return judged


def line(target):
    bound = f"{'>=' if target['at_least'] else '<='} {target['bound']:g} {target['unit']}".strip()
    if target["measured"] is None:
        return [target["target"], bound, "not measured", "", ""]
    return [target["target"], bound, f"{target['measured']:.2f} {target['unit']}".strip(),
            "met" if target["met"] else "not met", target["where"]]
