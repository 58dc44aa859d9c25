/** Runs the graphs of a model with ONNX Runtime, one at a time; each is loaded on first use. */
import { data, file } from "./files.js";

let runtime = null;
let previous = Promise.resolve();

/**
 * @param {number} m
 * @returns {(name: string, inputs: Object<string, [ArrayLike<number>, number[]]|null>) => Promise<Object<string, Float32Array>>}
 *   takes numbers and shape of each input, returns the numbers of each output
 */
export function createRunner(m) {
  const sessions = {};
  async function run(name, inputs) {
    const ort = await (runtime ??= start());
    const session = await (sessions[name] ??= data(`${m}/${name}.onnx`).then((graph) => ort.InferenceSession.create(graph)));
    const used = Object.entries(inputs).filter(([key, input]) => input && session.inputNames.includes(key));
    const feeds = Object.fromEntries(used.map(([key, [numbers, shape]]) => [key, tensor(ort, key, numbers, shape)]));
    const outputs = Object.entries(await session.run(feeds));
    return Object.fromEntries(outputs.map(([key, { data: numbers }]) => [key, numbers]));
  }
  return (name, inputs) => {
    const result = previous.then(() => run(name, inputs));
    previous = result.catch(() => {});
    return result;
  };
}

async function start() {
  const ort = await import("../../ort/ort.wasm.bundle.min.mjs");
  ort.env.wasm.numThreads = 1; // more threads need headers that a plain host does not send
  ort.env.wasm.wasmBinary = await file("ort/ort-wasm-simd-threaded.wasm");
  return ort;
}

function tensor(ort, key, numbers, shape) {
  if (key === "component") return new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), shape);
  return new ort.Tensor("float32", Float32Array.from(numbers), shape);
}
