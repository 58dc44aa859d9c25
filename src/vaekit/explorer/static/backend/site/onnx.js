/** Runs the graphs of a model by ONNX Runtime, one at a time, each read when it is first asked for. */
import { data, file } from "./files.js";

let runtime = null;
let turn = Promise.resolve();

/**
 * @param {number} m
 * @returns {(name: string, given: Object<string, [ArrayLike<number>, number[]]|null>) => Promise<Object<string, Float32Array>>}
 *   takes the numbers and the shape of each input, gives those of each output
 */
export function runner(m) {
  const sessions = {};
  async function run(name, given) {
    const ort = await (runtime ??= start());
    const session = await (sessions[name] ??= data(`${m}/${name}.onnx`).then((graph) => ort.InferenceSession.create(graph)));
    const wanted = Object.entries(given).filter(([key, input]) => input && session.inputNames.includes(key));
    const feeds = Object.fromEntries(wanted.map(([key, [numbers, shape]]) => [key, tensor(ort, key, numbers, shape)]));
    const outputs = Object.entries(await session.run(feeds));
    return Object.fromEntries(outputs.map(([key, { data: numbers }]) => [key, numbers]));
  }
  return (name, given) => {
    const result = turn.then(() => run(name, given));
    turn = result.catch(() => {});
    return result;
  };
}

async function start() {
  const ort = await import("../../ort/ort.wasm.bundle.min.mjs");
  ort.env.wasm.numThreads = 1; // more need headers that a plain host does not send
  ort.env.wasm.wasmBinary = await file("ort/ort-wasm-simd-threaded.wasm");
  return ort;
}

function tensor(ort, key, numbers, shape) {
  if (key === "component") return new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), shape);
  return new ort.Tensor("float32", Float32Array.from(numbers), shape);
}
