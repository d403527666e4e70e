"""Inspecting, pruning and refusing networks."""
import json
import os

import numpy as np
import onnx
from onnx import numpy_helper

import material
from material import ProgramTest


def constants(path):
    return {c.name: numpy_helper.to_array(c) for c in onnx.load(path).graph.initializer}


class Prune(ProgramTest):
    def prune(self, *options, output='pruned.onnx'):
        run = self.run_program('prune', self.network, output, *options)
        self.assert_status(run, 0)
        return run, self.folder / output

    def test_writes_a_valid_file_with_the_recipe(self):
        run, path = self.prune('--preset', 'arcface', '--sparsity', '0.5', '--scope', 'layer')
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        recipe = json.loads(metadata['prefiqs.recipe'])
        self.assertEqual((recipe['sparsity'], recipe['scope'], recipe['criterion']), (0.5, 'layer', 'l1'))
        self.assertEqual(json.loads(metadata['prefiqs.preprocessing'])['channels'], 'rgb')
        self.assertIn('unstructured-l1-layer-0.5', run.out.decode())
        self.assertEqual([node.op_type for node in model.graph.node],
                         [node.op_type for node in onnx.load(self.network).graph.node])
        for mine, theirs in ((model.graph.input, onnx.load(self.network).graph.input),
                             (model.graph.output, onnx.load(self.network).graph.output)):
            self.assertEqual([v.SerializeToString() for v in mine], [v.SerializeToString() for v in theirs])

    def test_takes_the_smallest_weights(self):
        run, path = self.prune('--sparsity', '0.3')
        before, after = constants(self.network), constants(path)
        kept, gone = [], []
        for name, values in before.items():
            pruned = (after[name] == 0) & (values != 0)
            self.assertTrue(np.array_equal(after[name][~pruned], values[~pruned]), name)
            if name in ('w1', 'w2', 'matrix'):
                kept.append(np.abs(values[~pruned]))
                gone.append(np.abs(values[pruned]))
            else:
                self.assertFalse(pruned.any(), name)
        kept, gone = np.concatenate(kept), np.concatenate(gone)
        self.assertLess(gone.max(), kept.min())
        achieved = len(gone) / (len(gone) + len(kept))
        self.assertTrue(abs(achieved - 0.3) < 1e-3, achieved)
        self.assertIn(f'achieved {achieved:.6f}', run.out.decode())

    def embed(self, path, crops):
        run = self.run_program('embed', '--model', path, '--preset', 'arcface', '--aligned', crops, '--embeddings',
                               'embedded.npy', '--force')
        self.assert_status(run, 0)
        return np.load(self.folder / 'embedded.npy').astype(np.float64)

    def test_channels_are_zero_or_gone(self):
        recipe = ['--granularity', 'structured', '--scope', 'layer', '--sparsity', '0.5']
        run, masked = self.prune(*recipe)
        smaller_run, smaller = self.prune(*recipe, '--remove', output='smaller.onnx')
        for path in (masked, smaller):
            onnx.checker.check_model(onnx.load(path), full_check=True)
        metadata = {entry.key: entry.value for entry in onnx.load(smaller).metadata_props}
        self.assertEqual(json.loads(metadata['prefiqs.recipe'])['granularity'], 'structured')
        zeros, gone = constants(masked), constants(smaller)
        # Half of the 8 and 16 channels, with all they have.
        self.assertEqual(gone['w1'].shape, (4, 3, 3, 3))
        self.assertEqual(gone['w2'].shape, (8, 4, 3, 3))
        self.assertEqual(gone['matrix'].shape, (material.EMBEDDING, 8 * (material.SIDE // 4) ** 2))
        for name in ('slope', 'gamma', 'beta', 'mean', 'variance'):
            self.assertEqual(gone[name].shape[0], 4, name)
        for name in ('w1', 'w2', 'matrix', 'slope', 'gamma', 'beta', 'b2', 'offset'):
            self.assertEqual(np.count_nonzero(zeros[name]), gone[name].size, name)
            self.assertTrue(np.array_equal(zeros[name][zeros[name] != 0], gone[name].ravel()), name)
        weights = sum(zeros[name].size for name in ('w1', 'w2', 'matrix'))
        left = sum(gone[name].size for name in ('w1', 'w2', 'matrix'))
        for out in (run.out, smaller_run.out):
            self.assertIn(f'achieved {1 - left / weights:.6f}', out.decode())
        crops = self.crops(3)
        difference = np.abs(self.embed(masked, crops) - self.embed(smaller, crops)).max()
        self.assertTrue(difference < 1e-4, difference)

    def test_channels_of_real_networks(self):
        models = material.shared_folder('models')
        for name in ('w600k_mbf_dequantised_fp32', 'vface_mobilefacenet', 'foamliu_MobileFaceNet',
                     'xiaoccer_mobilefacenet_112x96_casia'):
            with self.subTest(name):
                run = self.run_program('prune', models / f'{name}.onnx', f'{name}.onnx', '--granularity', 'structured',
                                       '--sparsity', '0.3', '--remove')
                self.assert_status(run, 0)
                onnx.checker.check_model(onnx.load(self.folder / f'{name}.onnx'), full_check=True)
                self.assertLess((self.folder / f'{name}.onnx').stat().st_size,
                                0.8 * (models / f'{name}.onnx').stat().st_size)

    def test_embedding_the_copy_works_and_scoring_it_is_refused(self):
        _, path = self.prune('--sparsity', '0.5')
        crops = self.crops(3)
        pruned = self.embed(path, crops)
        rows = self.score_aligned(crops, '--sparsity', '0.5', '--embeddings', 'dense.npy').rows()
        dense = np.load(self.folder / 'dense.npy').astype(np.float64)

        def unit(vectors):
            return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

        drifts = np.linalg.norm(unit(dense) - unit(pruned), axis=1)
        for row, drift in zip(rows, drifts, strict=True):
            self.assertTrue(abs(float(row['drift']) - drift) < 1e-4, (row['drift'], drift))
        refused = self.run_program('score', '--model', path, '--preset', 'arcface', '--aligned', crops)
        self.assert_refused(refused, 3, 'pruned.onnx', 'the network it was made from')
        self.assert_refused(self.run_program('prune', path, 'twice.onnx'), 3, 'the network it was made from')
        again = self.run_program('inspect', path, '--sparsity', '0.4')
        self.assert_refused(again, 3, 'pruned.onnx', 'the network it was made from')

    def test_existing_file_stays(self):
        self.prune()
        before = (self.folder / 'pruned.onnx').read_bytes()
        run = self.run_program('prune', self.network, 'pruned.onnx', '--sparsity', '0.9')
        self.assert_refused(run, 4, 'pruned.onnx', '--force')
        self.assertEqual((self.folder / 'pruned.onnx').read_bytes(), before)
        self.prune('--sparsity', '0.9', '--force')
        self.assertNotEqual((self.folder / 'pruned.onnx').read_bytes(), before)

    def test_what_is_no_file_stays(self):
        pipe = self.folder / 'pipe.onnx'
        os.mkfifo(pipe)
        for output in (pipe, self.folder):
            self.assert_refused(self.run_program('prune', self.network, output, '--force'), 4, str(output), 'regular')
        self.assertTrue(pipe.is_fifo())


class Interfaces(ProgramTest):
    """Files with another form of input or of outputs, beside the plain one."""

    def setUp(self):
        super().setUp()
        self.crops(3)
        self.score = ['score', '--preset', 'arcface', '--aligned', 'crops', '--guard', 'none']

    def change(self, name, change):
        model = onnx.load(self.network)
        change(model.graph)
        onnx.save(model, self.folder / name)
        return name

    def norm_beside(self, graph):
        graph.node.append(onnx.helper.make_node('ReduceL2', ['embedding'], ['norm'], axes=[1], keepdims=1))
        graph.output.append(onnx.helper.make_tensor_value_info('norm', onnx.TensorProto.FLOAT, ['batch', 1]))

    def rows(self, *options):
        run = self.run_program(*self.score, *options)
        self.assert_status(run, 0)
        return run.rows(), run.err

    def test_the_vector_beside_numbers_is_the_embedding(self):
        expected, _ = self.rows('--model', self.network)
        two = self.change('two.onnx', self.norm_beside)
        rows, err = self.rows('--model', two)
        self.assertEqual(err.count('"embedding" is taken for the embedding'), 1, err)
        self.assertEqual([r['drift'] for r in rows], [r['drift'] for r in expected])
        self.assertEqual({r['output'] for r in rows}, {'embedding'})
        self.assertEqual({r['output'] for r in expected}, {''})
        rows, err = self.rows('--model', two, '--output-name', 'embedding')
        self.assertNotIn('taken for', err)
        self.assert_refused(self.run_program(*self.score, '--model', two, '--output-name', 'none'), 2, 'two.onnx',
                            'no output "none"', '"norm"')

    def test_two_candidates_are_listed(self):
        def change(graph):
            graph.output.append(onnx.helper.make_tensor_value_info('flat', onnx.TensorProto.FLOAT, None))
        two = self.change('two.onnx', change)
        self.assert_refused(self.run_program(*self.score, '--model', two), 3, '"embedding"', '"flat"', '--output-name NAME')
        first, _ = self.rows('--model', two, '--output-name', 'embedding', '--output', 'rows.csv')
        run = self.run_program(*self.score, '--model', two, '--output-name', 'flat', '--output', 'rows.csv', '--resume')
        self.assert_refused(run, 2, 'output embedding', 'flat')

    def test_open_sizes(self):
        expected, _ = self.rows('--model', self.network)
        side = onnx.load(self.network).graph.input[0].type.tensor_type.shape.dim[2].dim_value

        def change(graph):
            for dim, name in zip(graph.input[0].type.tensor_type.shape.dim[2:], ('height', 'width')):
                dim.dim_param = name
        self.change('open.onnx', change)
        rows, _ = self.rows('--model', 'open.onnx', '--size', f'{side}x{side}')
        self.assertEqual([r['drift'] for r in rows], [r['drift'] for r in expected])
        size = '' if side == 112 else f':{side}x{side}'
        self.assertEqual({r['preprocessing'] for r in rows}, {f'rgb:127.5:127.5{size}'})
        for text in ('112', '112x', 'x112', '0x112', '112x-1', '112x112x3', '1e2x112'):
            self.assert_refused(self.run_program(*self.score, '--model', 'open.onnx', '--size', text), 2,
                                f'--size {text}', '112x112')
        run = self.run_program(*self.score, '--model', self.network, '--size', f'{side}x{side + 1}')
        self.assert_refused(run, 2, f'the height of pictures to {side}')

    def test_channels_last_of_bytes(self):
        raw = ['--channels', 'rgb', '--mean', '0', '--scale', '1']
        self.score = ['score', '--aligned', 'crops', '--guard', 'none']
        expected, _ = self.rows('--model', self.network, *raw)

        def change(graph):
            dims = graph.input[0].type.tensor_type.shape.dim
            dims[1].dim_value, dims[3].dim_value = dims[3].dim_value, 3
            graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
            graph.input[0].name = 'bytes'
            graph.node.insert(0, onnx.helper.make_node('Transpose', ['floats'], ['input'], perm=[0, 3, 1, 2]))
            graph.node.insert(0, onnx.helper.make_node('Cast', ['bytes'], ['floats'], to=onnx.TensorProto.FLOAT))
        self.change('bytes.onnx', change)
        rows, err = self.rows('--model', 'bytes.onnx')
        self.assertIn('assuming rgb, (x - 0) / 1', err)
        self.assertEqual([r['drift'] for r in rows], [r['drift'] for r in expected])
        self.assert_status(self.run_program('prune', 'bytes.onnx', 'pruned.onnx', '--remove', '--granularity', 'structured',
                                            '--sparsity', '0.2'), 0)
        onnx.checker.check_model(onnx.load(self.folder / 'pruned.onnx'), full_check=True)
        inputs = onnx.load(self.folder / 'pruned.onnx').graph.input
        self.assertEqual(inputs[0].SerializeToString(), onnx.load(self.folder / 'bytes.onnx').graph.input[0].SerializeToString())


class Inspect(ProgramTest):
    def test_says_what_it_is_made_of(self):
        run = self.run_program('inspect', self.network, '--preset', 'arcface', '--json')
        self.assert_status(run, 0)
        report = json.loads(run.out)
        weights = constants(self.network)
        prunable = sum(weights[name].size for name in ('w1', 'w2', 'matrix'))
        self.assertEqual(report['prunable'], prunable)
        self.assertTrue(abs(report['pruned'] - 0.4 * prunable) <= 1)
        self.assertEqual(report['parameters'], sum(w.size for w in weights.values()))
        side = material.SIDE
        macs = (weights['w1'].size * (side // 2) ** 2 + weights['w2'].size * (side // 4) ** 2 + weights['matrix'].size)
        self.assertEqual(report['macs'], macs)
        self.assertEqual(report['inputs'][0]['shape'], [None, 3, side, side])
        self.assertEqual(report['outputs'][0]['shape'], [None, material.EMBEDDING])
        self.assertEqual(report['preprocessing'], {'channels': 'rgb', 'mean': 127.5, 'scale': 127.5})
        self.assertEqual(report['recipe_name'], material.PAPER_RECIPE)
        layers = {layer['name']: layer for layer in report['layers']}
        self.assertEqual(layers['conv1']['operator'], 'Conv')
        self.assertEqual(layers['conv2']['shape'], [1, 16, side // 4, side // 4])
        for layer in report['layers']:
            self.assertNotIn(layer['implementation'], ('', 'reference'), layer)

    def test_denormal_weights(self):
        run = self.run_program('inspect', self.network, '--json')
        self.assertEqual(json.loads(run.out)['denormals'], 0)
        self.assertNotIn('denormal', self.run_program('inspect', self.network).out.decode())
        model = onnx.load(self.network)
        for initializer in model.graph.initializer:
            if initializer.name == 'w2':
                values = numpy_helper.to_array(initializer).copy()
                values.flat[:5] = 1e-40
                initializer.CopyFrom(numpy_helper.from_array(values, 'w2'))
        path = self.folder / 'denormal.onnx'
        onnx.save(model, path)
        self.assertEqual(json.loads(self.run_program('inspect', path, '--json').out)['denormals'], 5)
        self.assertRegex(self.run_program('inspect', path).out.decode(), r'denormal +5 numbers, taken as zero')

    def test_table(self):
        run = self.run_program('inspect', self.network)
        self.assert_status(run, 0)
        text = run.out.decode()
        for word in ('input', 'prunable', 'MACs', 'conv1', 'gemm', 'assumed', 'instruction set'):
            self.assertIn(word, text)
        self.assertFalse(any(line.endswith(' ') for line in text.splitlines()))


class Template(ProgramTest):
    """Of a network of 128 pixels, where InsightFace's template and the scaled one differ."""

    def setUp(self):
        super().setUp()
        self.network = material.recognition_network(self.folder / 'large.onnx', side=128)
        self.detector = material.detector_network(self.folder / 'detector.onnx')

    def crop(self, name, *options):
        picture = self.picture('photo.png', material.bright_cells(192, 320, (2, 4)))
        run = self.score(picture, '--detector', self.detector, '--guard', 'none', '--save-crops', name, *options)
        self.assert_status(run, 0)
        saved, = (self.folder / name).iterdir()
        return run.rows()[0], saved.read_bytes()

    def test_is_insightfaces_unless_another_is_named_or_stored(self):
        row, crop = self.crop('default')
        named, same = self.crop('insightface', '--template', 'insightface')
        self.assertEqual((row, crop), (named, same))
        self.assertEqual(row['preprocessing'], 'rgb:127.5:127.5:insightface')
        row, other = self.crop('scaled', '--template', 'scaled')
        self.assertEqual(row['preprocessing'], 'rgb:127.5:127.5')
        self.assertNotEqual(crop, other)
        self.assertNotEqual(row['drift'], named['drift'])
        sidecar = self.folder / 'large.onnx.json'
        sidecar.write_text('{"preprocessing": {"channels": "rgb", "template": "scaled"}}')
        run = self.run_program('score', '--model', self.network, self.folder / 'photo.png', '--detector', self.detector,
                               '--guard', 'none')
        self.assertEqual(run.rows(), [row])
        # The option goes before what is stored, and leaves the rest of it.
        report = self.run_program('inspect', self.network, '--json', '--template', 'insightface')
        self.assertEqual(json.loads(report.out)['preprocessing'], {'channels': 'rgb', 'mean': 127.5, 'scale': 127.5})
        self.assertEqual(json.loads(report.out)['preprocessing_source'], 'sidecar')
        self.assertIn('template scaled', self.run_program('inspect', self.network).out.decode())

    def test_an_unknown_one_is_refused(self):
        self.assert_refused(self.run_program('inspect', self.network, '--template', 'face'), 2, 'insightface, scaled')


class Calibrate(ProgramTest):
    def calibrate(self, crops, *options):
        return self.run_program('calibrate', self.network, crops, '--preset', 'arcface', '--aligned', '--guard', 'none', *options)

    def test_scalars_say_by_whom(self):
        crops = self.crops(120)
        self.assertNotIn('scalars by', self.score_aligned(crops).err)
        run = self.calibrate(crops, '--source', 'noise')
        self.assert_status(run, 0)
        self.assertNotIn('scalars by', run.err)
        date = json.loads((self.folder / 'net.onnx.json').read_text())['calibration']['date']
        run = self.score_aligned(crops)
        self.assertEqual(sorted(int(row['scalar']) for row in run.rows())[::119], [0, 100])
        self.assertIn(f'prefiqs: scalars by 120 faces (noise, {date}), recipe {material.PAPER_RECIPE}\n', run.err)
        self.assertNotIn('scalars by', self.score_aligned(crops, '--sparsity', '0.3').err)

    def test_an_earlier_one_stays(self):
        crops = self.crops(120)
        self.assert_status(self.calibrate(crops, '--source', 'first'), 0)
        sidecar = self.folder / 'net.onnx.json'
        before = sidecar.read_bytes()
        for options in ([], ['--sparsity', '0.3'], ['--recipe', 'auto']):
            run = self.calibrate(crops, '--source', 'second', *options)
            self.assert_refused(run, 4, str(self.network), '120 faces', 'first', json.loads(before)['calibration']['date'],
                                '--force')
            self.assertEqual(sidecar.read_bytes(), before)
        self.assert_status(self.calibrate(crops, '--source', 'second', '--force'), 0)
        self.assertEqual(json.loads(sidecar.read_text())['calibration']['source'], 'second')


class Refused(ProgramTest):
    def test_quantised_network(self):
        path = material.shared_folder('models', 'offlineid_mobilefacenet_int8.onnx')
        crops = self.crops(1)
        for arguments in (['inspect', path], ['score', '--model', path, '--aligned', crops],
                          ['prune', path, 'out.onnx']):
            run = self.run_program(*arguments)
            self.assert_refused(run, 3, path.name, 'quantised', 'export it in float32')
            self.assertRegex(run.err, r"node '[^']+' \((QLinear\w+|\w*Quantize\w+|\w+Integer)\)")

    def test_unsupported_operator(self):
        model = onnx.load(self.network)
        model.graph.node[4].op_type = 'Hardmax'
        onnx.save(model, self.folder / 'other.onnx')
        run = self.run_program('inspect', 'other.onnx')
        self.assert_refused(run, 3, "node 'act2' (Hardmax)", 'not supported', 'export')

    def test_a_norm_that_is_always_one_is_no_method(self):
        unit = material.recognition_network(self.folder / 'unit.onnx', normalised=True)
        crops = self.crops(2)
        words = ['score', '--model', unit, '--preset', 'arcface', '--aligned', '--guard', 'none', crops]
        for method in ('norm', 'pruned-norm'):
            self.assert_refused(self.run_program(*words, '--method', method), 2, 'unit.onnx', method, 'same length')
        self.assert_refused(self.run_program('score', '--method', f'onnx:{unit}', '--preset', 'arcface', '--aligned',
                                             '--guard', 'none', crops), 2, 'unit.onnx', 'same length')
        for method in ('drift', 'jvp', 'stochastic'):
            self.assert_status(self.run_program(*words, '--method', method), 0)

    def test_not_a_face_network(self):
        crops = self.crops(1)
        detector = material.detector_network(self.folder / 'detector.onnx')
        run = self.run_program('score', '--model', detector, '--aligned', crops)
        self.assert_refused(run, 3, 'detector.onnx', '"kps32"', '--output-name NAME')
        run = self.score('--detector', self.network, crops)
        self.assert_refused(run, 3, 'net.onnx', 'YuNet')


class Real(ProgramTest):
    """The program on networks and photographs of real people."""

    def test_scores_photographs(self):
        models = material.shared_folder('models')
        photographs = material.shared_folder('data', 'portraits')
        detectors = sorted((models / 'detectors').glob('*yunet*.onnx'))
        self.assertTrue(detectors, 'no YuNet detector among the real material')
        run = self.run_program('score', '--model', models / 'w600k_mbf_dequantised_fp32.onnx', '--preset', 'arcface',
                               '--detector', detectors[0], photographs)
        self.assertIn(run.status, (0, 1), run.err)
        rows = run.rows()
        found = [row for row in rows if row['status'] == 'ok']
        self.assertGreater(len(found), 0.8 * len(rows))
        for row in found:
            self.assertTrue(0 < float(row['drift']) < 1.5, row)


if __name__ == '__main__':
    material.main()
