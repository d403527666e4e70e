// node onnxruntime.cjs JOBS.json: runs networks on the CPU, one thread; prints a line of JSON for each, its output or what
// ONNX Runtime says. run.py writes the jobs. With SAVE=LEVEL in the environment each network is also saved beside itself as
// ONNX Runtime optimises it at that level (basic, extended, all).
const fs = require('fs');
const ort = require('onnxruntime-node');

const ARRAYS = {float32: Float32Array, float16: Uint16Array, uint8: Uint8Array};

async function outputOf(job) {
  const options = {intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4};
  if (process.env.SAVE) {
    options.graphOptimizationLevel = process.env.SAVE;
    options.optimizedModelFilePath = `${job.network}.${process.env.SAVE}`;
  }
  const session = await ort.InferenceSession.create(job.network, options);
  const bytes = fs.readFileSync(job.input);
  const data = new ARRAYS[job.type](bytes.buffer, bytes.byteOffset, bytes.byteLength / ARRAYS[job.type].BYTES_PER_ELEMENT);
  const [pictures, ...rest] = job.shape, size = rest.reduce((a, b) => a * b);
  const parts = [];
  let type;
  const step = job.single ? 1 : pictures;
  for (let i = 0; i < pictures; i += step) {
    const tensor = new ort.Tensor(job.type, data.slice(i * size, (i + step) * size), [step, ...rest]);
    const outputs = await session.run({[session.inputNames[0]]: tensor});
    const values = outputs[job.output];
    type = values.type;
    parts.push(Buffer.from(values.data.buffer, values.data.byteOffset, values.data.byteLength));
  }
  return {type, values: Buffer.concat(parts).toString('base64')};
}

async function main() {
  for (const job of JSON.parse(fs.readFileSync(process.argv[2]))) {
    let answer;
    try {
      answer = await outputOf(job);
    } catch (error) {
      answer = {error: error.message.split('\n')[0]};
    }
    console.log(JSON.stringify(answer));
  }
}

main();
