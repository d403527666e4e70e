"""Crops, the network that holds all copies, and the embeddings of both: what the study looks at."""
import csv
import json
import os
import pathlib
import sys

import numpy as np
import onnx
from kept_work import KeptWork

from . import networks

DETECTOR = 'models/detectors/face_detection_yunet_2023mar.onnx'
NETWORKS = {  # file, preset
    'vface': ('vface_mobilefacenet.onnx', 'imagenet'),
    'xiaoccer': ('xiaoccer_mobilefacenet_112x96_casia.onnx', 'mobilefacenet128'),
    'w600k': ('w600k_mbf_dequantised_fp32.onnx', 'arcface'),
}
REFERENCE = 1000  # faces of UTKFace
WORSE_PEOPLE = 413  # of 826, by name
RESNET = 'iresnet50'  # with random weights: of it the cost alone is asked
SCRIPTS = pathlib.Path(__file__).resolve().parents[1]


class Material(KeptWork):
    def __init__(self, shared, work, program, threads):
        super().__init__(shared, work, program, threads)
        self.workers = threads or os.cpu_count()
        self.crops = work / 'crops'
        self.data = {'lfw': shared / 'data/lfw/images', 'cfp': shared / 'data/cfp/Data/Images',
                     'utkface': shared / 'data/utkface'}

    def _align(self, data):
        """crops/DATA/PERSON/….png of every face that is found."""
        pictures = sorted(self.data[data].rglob('*.jpg'))
        if data == 'utkface':
            pictures = pictures[::len(pictures) // REFERENCE][:REFERENCE]
        listed, rows, numbered = (self.work / f'{data}{end}' for end in ('.txt', '.csv', '-numbered'))
        listed.write_text(''.join(f'{p}\n' for p in pictures))
        file, preset = NETWORKS['w600k']
        self.run(self.program, 'score', f'@{listed}', '--method', 'norm', '--model', self.shared / 'models' / file,
                 '--preset', preset, '--detector', self.shared / DETECTOR, '--guard', 'none', '--output', rows,
                 '--save-crops', numbered, '--threads', self.threads, *(['--resume'] if rows.exists() else []), statuses=(0, 1))
        with open(rows, encoding='utf-8') as opened:
            table = list(csv.DictReader(opened))
        by_number = {path.name.split('-')[0].lstrip('0'): path for path in numbered.iterdir()}
        for number, row in enumerate(table, 1):
            if row['status'] != 'ok':
                continue
            parts = pathlib.Path(row['path']).relative_to(self.data[data]).with_suffix('').parts
            target = self.crops / data / parts[0] / ('-'.join(parts[1:]) + '.png')
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                os.link(by_number[str(number)], target)

    def _make_worse(self):
        """The first picture of everybody who has others, in a folder a person."""
        first = self.work / 'lfw-first'
        for person in sorted((self.crops / 'lfw').iterdir()):
            pictures = sorted(person.iterdir())
            if len(pictures) > 1:
                target = first / person.name / pictures[0].name
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    os.link(pictures[0], target)
        self.run(sys.executable, SCRIPTS / 'degrade', first, '--output', self.crops / 'worse', '--strengths', 'one')

    def network(self, name):
        """The network of all copies, the whole network first."""
        path = self.work / f'{name}-all.onnx'

        def make():
            file, preset = NETWORKS[name]
            macs = self.macs(name)
            copies = []
            for k, options in enumerate([['--sparsity', '0'], *networks.MASKS.values()]):
                copy = self.work / f'{name}-{k}.onnx'
                self.run(self.program, 'prune', self.shared / 'models' / file, copy, '--preset', preset, '--force',
                         *networks.options_for(options, len(macs)))
                copies.append(onnx.load(str(copy)))
                copy.unlink()
            onnx.save(networks.merged(copies), str(path))

        self.once(f'{name}-network', make)
        return path

    def macs(self, name):
        """Multiply-adds of each layer with weights."""
        kept = self.work / f'{name}-inspected.json'
        if not kept.exists():
            if name == RESNET:
                path, preset = self.work / f'{name}.onnx', 'arcface'
                self.run(sys.executable, SCRIPTS.parent / 'bench/networks.py', RESNET, '--folder', self.work)
            else:
                path, preset = self.shared / 'models' / NETWORKS[name][0], NETWORKS[name][1]
            kept.write_text(self.run(self.program, 'inspect', path, '--preset', preset, '--json'))
        return [layer['macs'] for layer in json.loads(kept.read_text())['layers'] if layer['prunable'] > 0]

    def prepare(self):
        for data in self.data:
            self.once(f'{data}-crops', lambda data=data: self._align(data))
        self.once('worse-crops', self._make_worse)
        listed = self.work / 'crops.txt'
        if not listed.exists():
            alone = [p for p in sorted((self.crops / 'lfw').iterdir()) if len(list(p.iterdir())) == 1]
            left_out = set(alone) - set(alone[::3]) | set(sorted((self.crops / 'worse').iterdir())[WORSE_PEOPLE:])
            listed.write_text(''.join(f'{p}\n' for p in sorted(self.crops.rglob('*.png')) if p.parent not in left_out))
        return [pathlib.Path(line).relative_to(self.crops) for line in listed.read_text().splitlines()]

    def embeddings(self, name):
        """Of every crop, in the order of crops.txt: faces x (1 + masks) x size."""
        rows, numbers = self.work / f'{name}.csv', self.work / f'{name}.npy'
        network = self.network(name)

        def make():
            self.run(self.program, 'embed', f'@{self.work / "crops.txt"}', '--aligned', '--guard', 'none', '--model',
                     network, '--preset', NETWORKS[name][1], '--output', rows, '--embeddings', numbers, '--threads',
                     self.threads, *(['--resume'] if rows.exists() else []))

        self.once(f'{name}-embeddings', make)
        all_numbers = np.load(numbers, mmap_mode='r')
        return all_numbers.reshape(len(all_numbers), 1 + len(networks.MASKS), -1)
