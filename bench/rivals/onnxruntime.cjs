// Two passes, dense and pruned, over the same batch in ONNX Runtime's best settings. How it is spoken to: serve.py.
//   node onnxruntime.cjs DENSE.onnx PRUNED.onnx PIXELS WIDTH HEIGHT BATCH THREADS fp32
//   node onnxruntime.cjs --first DENSE.onnx PIXELS WIDTH HEIGHT THREADS     one embedding and out, for the time it takes
const fs = require('fs');
const ort = require('onnxruntime-node');

function settings(threads) {
  return {
    graphOptimizationLevel: 'all', executionMode: 'sequential', intraOpNumThreads: threads, interOpNumThreads: 1,
    enableCpuMemArena: true, enableMemPattern: true, logSeverityLevel: 3,
  };
}

// RGB pixels of `batch` crops -> planes of (x - 127.5) / 127.5.
function inputOf(path, width, height, batch) {
  const pixels = fs.readFileSync(path), plane = width * height;
  const data = new Float32Array(batch * 3 * plane);
  for (let n = 0; n < batch; ++n)
    for (let c = 0; c < 3; ++c)
      for (let i = 0; i < plane; ++i) data[(n * 3 + c) * plane + i] = (pixels[(n * plane + i) * 3 + c] - 127.5) / 127.5;
  return new ort.Tensor('float32', data, [batch, 3, height, width]);
}

async function embeddings(session, input) {
  const outputs = await session.run({[session.inputNames[0]]: input});
  return outputs[session.outputNames[0]].data;
}

// Of the first crop.
function driftOf(dense, pruned, batch) {
  const size = dense.length / batch;
  const unit = (values) => {
    const first = Array.from(values.slice(0, size)), norm = Math.hypot(...first);
    return first.map((x) => x / norm);
  };
  const a = unit(dense), b = unit(pruned);
  return Math.hypot(...a.map((x, i) => x - b[i]));
}

async function serve(words) {
  const [dense, pruned, pixels, ...rest] = words;
  const [width, height, batch, threads] = rest.slice(0, 4).map(Number);
  if (rest[4] !== 'fp32') throw new Error(`precision ${rest[4]}: fp32 alone`);
  const sessions = [];
  for (const path of [dense, pruned]) sessions.push(await ort.InferenceSession.create(path, settings(threads)));
  const input = inputOf(pixels, width, height, batch);
  const first = [];
  for (const session of sessions) first.push(await embeddings(session, input));
  const once = async () => { for (const session of sessions) await embeddings(session, input); };
  for (let i = 0; i < 3; ++i) await once();
  const version = JSON.parse(fs.readFileSync(require.resolve('onnxruntime-node/package.json'))).version;
  console.log(JSON.stringify({engine: 'ONNX Runtime', version, drift: driftOf(first[0], first[1], batch)}));
  for await (const line of require('readline').createInterface({input: process.stdin})) {
    const times = [], end = process.hrtime.bigint() + BigInt(Math.round(Number(line) * 1e9));
    while (times.length === 0 || process.hrtime.bigint() < end) {
      const start = process.hrtime.bigint();
      await once();
      times.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
    times.sort((a, b) => a - b);
    console.log(JSON.stringify({ms_per_image: times[times.length >> 1] / batch, runs: times.length}));
  }
}

async function first(words) {
  const [dense, pixels, ...rest] = words;
  const [width, height, threads] = rest.map(Number);
  const session = await ort.InferenceSession.create(dense, settings(threads));
  const values = await embeddings(session, inputOf(pixels, width, height, 1));
  if (!values.every(Number.isFinite)) throw new Error('the embedding is not finite');
  console.log(JSON.stringify({size: values.length}));
}

const words = process.argv.slice(2);
(words[0] === '--first' ? first(words.slice(1)) : serve(words)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
