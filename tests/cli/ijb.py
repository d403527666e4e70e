#!/usr/bin/python3
"""A set of the form of IJB-B and IJB-C: pictures, their five points, templates, media and pairs. Faces are patterns, one a
person, so that a network with random weights tells people apart where the crops are aligned, and only there.

    tests/cli/ijb.py FOLDER --size ijbc      as many pictures, templates and pairs as IJB-C has: 469,375, 23,124, 15,658,489
"""
import argparse
import os
import pathlib

import numpy as np

from material import png

# Pictures, templates, people, mated pairs, non-mated pairs.
SIZES = {'small': (120, 24, 8, 24, 160), 'ijbb': (227630, 12115, 1845, 10270, 8000000),
         'ijbc': (469375, 23124, 3531, 19557, 15638932)}
VARIANTS = 3  # pictures of a person that differ; further ones are links to them
SIDE = 112
POINTS = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])


def pattern(random):
    """What a person looks like, aligned: large squares of colour."""
    return np.kron(random.integers(0, 256, (7, 7, 3)), np.ones((16, 16, 1))).astype(np.uint8)


def photograph(face, random):
    """The face somewhere in a picture, in another size, amid noise; and where its points are."""
    scale = random.uniform(0.6, 1.4)
    corner = random.uniform(5, 40, 2)
    width, height = random.integers(200, 230, 2)
    picture = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    y, x = np.mgrid[:height, :width]
    of_x, of_y = np.rint((x - corner[0]) / scale).astype(int), np.rint((y - corner[1]) / scale).astype(int)
    inside = (of_x >= 0) & (of_x < SIDE) & (of_y >= 0) & (of_y < SIDE)
    shade = random.normal(0, 12, (height, width, 3))
    picture[inside] = np.clip(face[of_y[inside], of_x[inside]] + shade[inside], 0, 255).astype(np.uint8)
    return picture, POINTS * scale + corner


def make(folder, size='small', seed=1):
    """Writes loose_crop/ and meta/name_5pts_score.txt, face_tid_mid.txt and template_pair_label.txt there."""
    pictures, templates, people, mated, non_mated = SIZES[size]
    random = np.random.default_rng(seed)
    folder = pathlib.Path(folder)
    crops, meta = folder / 'loose_crop', folder / 'meta'
    crops.mkdir(parents=True)
    meta.mkdir()
    of_template = np.arange(templates) % people
    template_of = np.concatenate([np.arange(templates), random.integers(0, templates, pictures - templates)])
    random.shuffle(template_of)
    medium = random.integers(0, pictures // 3, pictures)  # several pictures of one video
    first, used = {}, np.zeros(people, int)
    faces = [pattern(random) for _ in range(people)]
    with open(meta / 'name_5pts_score.txt', 'w', encoding='ascii') as points, \
            open(meta / 'face_tid_mid.txt', 'w', encoding='ascii') as members:
        for i, template in enumerate(template_of):
            person = int(of_template[template])
            key = person, int(used[person]) % VARIANTS
            used[person] += 1
            path = crops / f'{i + 1}.jpg'  # what a file is its content says
            if key in first:
                os.link(first[key][0], path)
            else:
                picture, where = photograph(faces[person], random)
                path.write_bytes(png(picture))
                first[key] = path, ' '.join(f'{v:.3f}' for v in where.ravel())
            points.write(f'{path.name} {first[key][1]} {random.uniform(0.9, 1):.6f}\n')
            members.write(f'{path.name} {template + 1} {medium[i]}\n')
    with open(meta / 'template_pair_label.txt', 'w', encoding='ascii') as pairs:
        for label, count in ((1, mated), (0, non_mated)):
            left = count
            while left > 0:
                a = random.integers(0, templates, left)
                b = (a + people * random.integers(1, max(2, templates // people), left)) % templates if label else \
                    random.integers(0, templates, left)
                good = ((of_template[a] == of_template[b]) == bool(label)) & (a != b)
                np.savetxt(pairs, np.column_stack([a[good] + 1, b[good] + 1, np.full(good.sum(), label)]), '%d')
                left -= int(good.sum())
    return folder


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder')
    parser.add_argument('--size', choices=SIZES, default='small')
    make(**vars(parser.parse_args()))
