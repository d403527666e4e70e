// Two passes, dense and pruned, over the same batch in ONNX Runtime's best settings. Prints one line of JSON.
//   node onnxruntime.cjs DENSE.onnx PRUNED.onnx BATCH THREADS SECONDS
const ort = require('onnxruntime-node');

async function main() {
  const [dense, pruned, batchText, threadsText, secondsText] = process.argv.slice(2);
  const batch = Number(batchText), threads = Number(threadsText), seconds = Number(secondsText);
  const options = {
    graphOptimizationLevel: 'all', executionMode: 'sequential', intraOpNumThreads: threads, interOpNumThreads: 1,
    enableCpuMemArena: true, enableMemPattern: true,
  };
  const sessions = [await ort.InferenceSession.create(dense, options), await ort.InferenceSession.create(pruned, options)];
  const width = Number(process.env.WIDTH || 112);
  const data = new Float32Array(batch * 3 * 112 * width);
  let state = 1;  // xorshift: faces are not zeros
  for (let i = 0; i < data.length; ++i) {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    data[i] = state / 2147483648;
  }
  const input = new ort.Tensor('float32', data, [batch, 3, 112, width]);
  const once = async () => {
    for (const session of sessions) await session.run({[session.inputNames[0]]: input});
  };
  for (let i = 0; i < 5; ++i) await once();
  const times = [];
  const end = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
  while (process.hrtime.bigint() < end || times.length < 5) {
    const start = process.hrtime.bigint();
    await once();
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1];
  console.log(JSON.stringify({engine: 'onnxruntime', batch, threads, runs: times.length, ms_per_image: median / batch}));
}

main().catch((error) => { console.error(error.message); process.exit(1); });
