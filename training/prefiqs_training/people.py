"""Who is trained on, who chooses checkpoints, and who is kept out of everything.

Kept out: everybody named in the last fold of LFW's pairs.txt and in the last split of CFP's frontal-profile protocol.
Validation: the same of the last but one; a person in both is kept out. Left out: whoever of the others is one of those two under
another name, in the other set or by a wrong label. Everybody else is trained on, and all of UTKFace, which names nobody: who of the
above is in it is not known.
"""

from pathlib import Path

TRAIN, VALIDATION, KEPT_OUT, LEFT_OUT = "train", "validation", "kept_out", "left_out"

# The sets share people, and each one's protocol knows nothing of the other. Found by mean embeddings of a network that was trained on
# neither (w600k, cosine 0.52 or more; where first names, by which CFP is sorted, do not fit, 0.46 at most) and looked at. They are in
# nothing, nor measured, so that figures go on being of the same pictures.
LFW_LEFT_OUT = frozenset("""
    Jacques_Chirac Jennifer_Love_Hewitt Jessica_Lange Kevin_Costner Jodie_Foster Joseph_Biden John_Lennon Judi_Dench
    Jennifer_Capriati Jessica_Simpson
    George_Clooney Hugo_Chavez Hillary_Clinton Gisele_Bundchen Imran_Khan Hrithik_Roshan Fernando_Alonso Floyd_Mayweather
    Raul_Ibanez Emmy_Rossum Martha_Bowen
    Noer_Moeis Chyung_Dai-chul Brian_Williams
""".split())  # a line each: kept out of CFP; the same, of LFW's validation; CFP's validation; LFW's own kept-out people, and its validation's, again
CFP_LEFT_OUT = frozenset("""
    087 128 135 112
    006 012 014 020 037 052 054 059
""".split())  # kept out of LFW; LFW's validation


def lfw_folds(root):
    """List of folds; a fold is a list of (name_a, number_a, name_b, number_b, mated)."""
    lines = Path(root, "lfw", "pairs.txt").read_text().splitlines()
    folds, half = (int(v) for v in lines[0].split())
    pairs = []
    for line in lines[1:]:
        fields = line.split()
        if len(fields) == 3:
            pairs.append((fields[0], int(fields[1]), fields[0], int(fields[2]), True))
        elif len(fields) == 4:
            pairs.append((fields[0], int(fields[1]), fields[2], int(fields[3]), False))
    if len(pairs) != folds * half * 2:
        raise ValueError("pairs.txt does not hold the pairs it announces")
    return [pairs[i * half * 2:(i + 1) * half * 2] for i in range(folds)]


def cfp_splits(root, protocol="FP"):
    """{split name: list of (picture_a, picture_b, mated)}; pictures as 'person/frontal/01'."""
    base = Path(root, "cfp", "Protocol")
    lists = {}
    for letter in "FP":
        rows = (line.split() for line in (base / f"Pair_list_{letter}.txt").read_text().splitlines() if line.strip())
        lists[letter] = {int(n): "/".join(Path(p).with_suffix("").parts[-3:]) for n, p in rows}
    splits = {}
    for folder in sorted((base / "Split" / protocol).iterdir()):
        pairs = []
        for name, mated in (("same.txt", True), ("diff.txt", False)):
            for line in (folder / name).read_text().split():
                a, b = (int(v) for v in line.split(","))
                pairs.append((lists[protocol[0]][a], lists[protocol[1]][b], mated))
        splits[folder.name] = pairs
    return splits


def _lfw_people(fold):
    return {p[0] for p in fold} | {p[2] for p in fold}


def _cfp_people(split):
    return {picture.split("/")[0] for pair in split for picture in pair[:2]}


def _roles(validation, kept_out, left_out):
    if kept_out & left_out:
        raise ValueError(f"kept out already, so left out of nothing else: {sorted(kept_out & left_out)}")
    return {**dict.fromkeys(validation, VALIDATION), **dict.fromkeys(left_out, LEFT_OUT), **dict.fromkeys(kept_out, KEPT_OUT)}


def roles(root):
    """({LFW name: role}, {CFP person: role}) of everybody not simply trained on."""
    folds, splits = lfw_folds(root), list(cfp_splits(root).values())
    lfw = _roles(_lfw_people(folds[-2]), _lfw_people(folds[-1]), LFW_LEFT_OUT)
    cfp = _roles(_cfp_people(splits[-2]), _cfp_people(splits[-1]), CFP_LEFT_OUT)
    return lfw, cfp


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="Print everybody who is not trained on.")
    parser.add_argument("--data", required=True, help="folder with lfw, cfp, utkface")
    parser.add_argument("--pictures", choices=[VALIDATION, KEPT_OUT], help="print the pictures of these people instead")
    arguments = parser.parse_args()
    folders = (Path(arguments.data, "lfw", "images"), Path(arguments.data, "cfp", "Data", "Images"))
    for folder, people in zip(folders, roles(arguments.data)):
        for person in sorted(people):
            if not arguments.pictures:
                print(folder.relative_to(arguments.data).parts[0], people[person], person)
            elif people[person] == arguments.pictures:
                print(*sorted(folder.joinpath(person).rglob("*.jpg")), sep="\n")
