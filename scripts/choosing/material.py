"""Faces without labels and what became of them, LFW's crops, and sweeps over both: what the study looks at."""
import csv
import importlib.machinery
import importlib.util
import os
import pathlib
import sys

import numpy as np
from cheaper.material import DETECTOR, NETWORKS
from kept_work import KeptWork
from PIL import Image

SCRIPTS = pathlib.Path(__file__).resolve().parents[1]
RECIPES = [('global', 0.1), ('global', 0.2), ('global', 0.3), ('global', 0.4), ('layer', 0.1), ('layer', 0.2), ('layer', 0.3),
           ('channel', 0.1), ('channel', 0.2)]
NAMES = [f'{scope} {sparsity}' for scope, sparsity in RECIPES]
PAPER = NAMES.index('global 0.4')
THOUSAND, EVERY = 1000, 2  # of UTKFace a thousand are looked for, and every second of those found is taken
WAYS = [('none', 0)] + [(kind, strength) for kind, strengths in {
    'blur': (1, 2, 3), 'resolution': (1.5, 2.5, 4), 'noise': (10, 20, 35), 'jpeg': (60, 80, 90), 'dark': (1, 2, 3),
    'bright': (0.5, 1, 1.5), 'covered': (0.15, 0.3, 0.45)}.items() for strength in strengths]
SEED = 20261126
PICTURES = {'lfw': 'data/lfw/images', 'cfp': 'data/cfp/Data/Images'}


def _degrade():
    loader = importlib.machinery.SourceFileLoader('degrade', str(SCRIPTS / 'degrade'))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('degrade', loader))
    loader.exec_module(module)
    return module


def _covered(x, share, _):
    y = x.copy()
    y[x.shape[0] - int(round(share * x.shape[0])):] = 128
    return y


class Material(KeptWork):
    def _align(self, name, pictures):
        """[(picture, its crop)] of the pictures in which a face is found, in their order."""
        listed, rows, crops = (self.work / f'{name}{end}' for end in ('.txt', '.csv', '-crops'))
        file, preset = NETWORKS['vface']

        def make():
            listed.write_text(''.join(f'{p}\n' for p in pictures))
            self.run(self.program, 'score', f'@{listed}', '--method', 'norm', '--model', self.shared / 'models' / file, '--preset',
                     preset, '--detector', self.shared / DETECTOR, '--output', rows, '--save-crops', crops, '--threads',
                     self.threads, *(['--resume'] if rows.exists() else []), statuses=(0, 1))

        self.once(f'{name}-crops', make)
        with open(rows, encoding='utf-8') as opened:
            good = [row['status'] == 'ok' for row in csv.DictReader(opened)]
        by_number = {int(path.name.split('-')[0]): path for path in crops.iterdir()}
        return [(picture, by_number[n]) for n, picture in enumerate(pictures, 1) if good[n - 1]]

    def versions(self):
        """Folder of the four pictures of each face: x, its mirror image m, x made worse a, m made worse b; and of each
        face whether a and b are worse at all."""
        folder, drawn = self.work / 'versions', self.work / 'drawn.csv'

        def make():
            pictures = sorted((self.shared / 'data/utkface').rglob('*.jpg'))
            pictures = pictures[::len(pictures) // THOUSAND][:THOUSAND]
            ways = {**_degrade().KINDS, 'covered': _covered}
            rows = []
            for i, (_, crop) in enumerate(self._align('utkface', pictures)[::EVERY]):
                x = np.asarray(Image.open(crop).convert('RGB'))
                face = folder / f'{i:04}'
                face.mkdir(parents=True, exist_ok=True)
                row = [i]
                for name, picture, worse in (('x', x, 'a'), ('m', x[:, ::-1].copy(), 'b')):
                    random = np.random.default_rng([SEED, i, ord(worse)])
                    kind, strength = WAYS[random.integers(len(WAYS))]
                    spoilt = picture if kind == 'none' else ways[kind](picture, strength, random)
                    Image.fromarray(picture).save(face / f'{name}.png')
                    Image.fromarray(np.ascontiguousarray(spoilt)).save(face / f'{worse}.png')
                    row += [kind, strength]
                rows.append(row)
            with open(drawn, 'w', encoding='utf-8', newline='') as opened:
                csv.writer(opened).writerows(rows)

        self.once('versions', make)
        with open(drawn, encoding='utf-8') as opened:
            rows = list(csv.reader(opened))
        return folder, np.array([[row[1] != 'none', row[3] != 'none'] for row in rows])

    def people(self, name):
        """Folder of the crops of 'lfw' or 'cfp', a folder a person."""
        folder = self.work / name
        pictures = self.shared / PICTURES[name]

        def make():
            for picture, crop in self._align(name, sorted(pictures.rglob('*.jpg'))):
                person, *rest = picture.relative_to(pictures).with_suffix('').parts
                target = folder / person / ('-'.join(rest) + '.png')
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    os.link(crop, target)

        self.once(f'{name}-people', make)
        return folder

    def sweep(self, what, network, pictures, recipes):
        """Folder of the sweep of a network over pictures, of which these recipes are wanted."""
        folder = self.work / f'{what}-{network}'
        file, preset = NETWORKS[network]
        for scope in dict.fromkeys(scope for scope, _ in recipes):
            sparsities = ','.join(str(sparsity) for s, sparsity in recipes if s == scope)
            words = ('sweep', 'all', pictures, '--aligned', '--guard', 'none', '--model', self.shared / 'models' / file, '--preset',
                     preset, '--criterion', 'l1', '--scope', scope, '--sparsity', sparsities, '--folder', folder, '--resamples',
                     '0', '--tables', 'csv', '--threads', self.threads)
            self.once(f'{what}-{network}-{scope}-{sparsities}', lambda words=words: self.run(self.program, *words))
        return folder


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


class Swept:
    """Paths, embeddings and, of a recipe, drifts and the copy's embeddings, all of length 1; all faces are wanted."""

    def __init__(self, folder):
        self.folder = folder
        with open(folder / 'whole.csv', encoding='utf-8') as opened:
            self.paths = [pathlib.Path(row['path']) for row in csv.DictReader(opened)]
        whole = np.load(folder / 'whole.npy').astype(float)
        self.norm, self.whole = np.linalg.norm(whole, axis=1), unit(whole)
        if not np.isfinite(self.whole).all():
            sys.exit(f'study: {folder}: an embedding is not finite')

    def copy(self, recipe):
        copy = unit(np.load(self.folder / f'unstructured-l1-{recipe[0]}-{recipe[1]}.npy').astype(float))
        if copy.shape != self.whole.shape or not np.isfinite(copy).all():
            sys.exit(f'study: {self.folder}: {recipe} is not whole')
        return copy

    def drift(self, copy):
        return np.linalg.norm(self.whole - copy, axis=1)
