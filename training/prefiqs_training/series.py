"""How often quality falls as one face is made worse: the demonstration's nine series on one picture each of many people.

    python3 -m prefiqs_training.series --data DATA --role validation --prefiqs build/release/cli/prefiqs --models models/

The head is chosen by what this says of the validation people (training/README.md); the figure of the model card is of those kept out.
"""

import argparse
import collections
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from .people import KEPT_OUT, VALIDATION, roles

PEOPLE = {"lfw": 40, "cfp": 30}
WANTED = -0.9
_LINE = re.compile(r"^(\S.*?)\s{2,}(?:-?[\d.]+|-)(?:\s+(?:-?[\d.]+|-)){5}\s+(-?[\d.]+|-)$")


def pictures(data, role):
    """The first picture of so many people, evenly from all of the role in the order of their names; of CFP's a frontal one."""
    folders = {"lfw": ("lfw/images", "*.jpg"), "cfp": ("cfp/Data/Images", "frontal/*.jpg")}
    for (name, (folder, pattern)), known in zip(folders.items(), roles(data)):
        people = sorted(person for person, of_role in known.items() if of_role == role)
        for i in np.linspace(0, len(people) - 1, PEOPLE[name]).round().astype(int):
            yield min(Path(data, folder, people[i]).glob(pattern))


def correlations(prefiqs, models, picture):
    """{series: its rank correlation, none where it has none}, as `prefiqs demo` prints them."""
    with tempfile.TemporaryDirectory() as folder:
        command = [prefiqs, "demo", picture, "--model", models / "prefiqs_face.onnx", "--detector", models / "prefiqs_detector.onnx",
                   "--page", Path(folder, "page.html")]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {m[1]: None if m[2] == "-" else float(m[2]) for m in map(_LINE.match, run.stdout.splitlines()) if m}
    if found and len(found) != 9:
        raise SystemExit(f"{picture}: {len(found)} series where nine belong:\n{run.stdout}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--role", required=True, choices=[VALIDATION, KEPT_OUT])
    parser.add_argument("--prefiqs", required=True, type=Path)
    parser.add_argument("--models", required=True, type=Path)
    arguments = parser.parse_args()
    series, without = collections.defaultdict(list), 0
    for picture in pictures(arguments.data, arguments.role):
        found = correlations(arguments.prefiqs, arguments.models, picture)
        without += not found
        for name, value in found.items():
            series[name].append(1.0 if value is None else value)
    values = [v for of_name in series.values() for v in of_name]
    weak = {name: sum(v > WANTED for v in of_name) for name, of_name in series.items()}
    print(f"{sum(weak.values())} of {len(values)} series are weaker than {WANTED} ({', '.join(f'{k} {v}' for k, v in weak.items() if v)}), the worst "
          f"{max(values):.2f}; mean {np.mean(values):.4f}; without a face {without}")


if __name__ == "__main__":
    main()
