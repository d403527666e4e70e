"""Embeddings of many pruned copies of a network by one pass, in which copies share what is before their first pruned layer."""
import csv
import json
import pathlib

import numpy as np
import onnx
from cheaper.material import NETWORKS
from cheaper.networks import merged

from .material import unit

SHARED_NETWORKS = {name: (f'models/{file}', ['--preset', preset]) for name, (file, preset) in NETWORKS.items()}
WHOLE = ('global', 0.0, 0)


def name_of(recipe):
    scope, sparsity, start = recipe
    return f'{scope} {sparsity}' + (f' from {start}' if start else '')


class Copies:
    """Of a set of pictures what Swept has of a sweep; a recipe is (scope, sparsity, from)."""

    def __init__(self, paths, embeddings, recipes):
        self.paths, self._embeddings = paths, embeddings
        self._place = {recipe: k for k, recipe in enumerate(recipes, 1)}
        whole = np.array(embeddings[:, 0], float)
        self.norm, self.whole = np.linalg.norm(whole, axis=1), unit(whole)
        if not np.isfinite(self.whole).all():
            raise SystemExit('study: an embedding is not finite')

    def copy(self, recipe):
        copy = unit(np.array(self._embeddings[:, self._place[recipe]], float))
        if not np.isfinite(copy).all():
            raise SystemExit(f'study: {recipe}: an embedding is not finite')
        return copy

    def drift(self, copy):
        return np.linalg.norm(self.whole - copy, axis=1)


class CopyMaker:
    """Keeps its work in that of a Material. `networks`: name -> path below shared/ (or whole), options of its input."""

    def __init__(self, material, networks):
        self.material, self.networks = material, networks

    def model(self, network):
        return self.material.shared / self.networks[network][0]

    def _merged(self, what, network, recipes):
        copies = []
        for k, (scope, sparsity, start) in enumerate([WHOLE, *recipes]):
            copies.append(self.pruned(network, f'{what}-{network}-{k}', '--scope', scope, '--sparsity', sparsity, '--from', start))
        return merged(copies)

    def pruned(self, network, name, *recipe):
        """A copy that the program makes; a file of that name is there meanwhile."""
        copy = self.material.work / f'{name}.onnx'
        self.material.run(self.material.program, 'prune', self.model(network), copy, *self.networks[network][1], '--force', *recipe)
        model = onnx.load(str(copy))
        copy.unlink()
        return model

    def embedded(self, what, network, pictures, make_model):
        """The pictures (paths) in their order and, of each, the output of the model that is made; `what` names both in the
        work folder."""
        material = self.material
        model = material.work / f'{what}-{network}-all.onnx'
        listed, rows, numbers = (material.work / f'{what}-{network}-copies{end}' for end in ('.txt', '.csv', '.npy'))
        material.once(f'{what}-{network}-network', lambda: onnx.save(make_model(), str(model)))

        def make():
            listed.write_text(''.join(f'{p}\n' for p in pictures))
            material.run(material.program, 'embed', f'@{listed}', '--aligned', '--guard', 'none', '--model', model,
                         *self.networks[network][1], '--output', rows, '--embeddings', numbers, '--threads', material.threads,
                         *(['--resume'] if rows.exists() else []))

        material.once(f'{what}-{network}-copies', make)
        with open(rows, encoding='utf-8') as opened:
            return [pathlib.Path(row['path']) for row in csv.DictReader(opened)], np.load(numbers, mmap_mode='r')

    def copies(self, what, network, pictures, recipes):
        """Of all pictures below a folder; `what` names the pictures and the recipes in the work folder."""
        paths, found = self.embedded(what, network, sorted(pictures.rglob('*.png')),
                                     lambda: self._merged(what, network, recipes))
        return Copies(paths, found.reshape(len(found), 1 + len(recipes), -1), recipes)

    def inspected(self, network):
        return json.loads(self.material.run(self.material.program, 'inspect', self.model(network), *self.networks[network][1],
                                            '--json'))['layers']

    def costs(self, network, recipes):
        """Multiply-adds of a recipe's pass beside the whole network's own, by that."""
        macs = [layer['macs'] for layer in self.inspected(network) if layer['prunable'] > 0]
        return {r: 1 + sum(macs[int(r[2] * len(macs)):]) / sum(macs) for r in recipes}
