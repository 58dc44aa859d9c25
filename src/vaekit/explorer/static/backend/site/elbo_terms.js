/**
 * The terms of the bound of one image, at K draws from its posterior, by the graph `terms`.
 *
 * With w_k = p(x | z_k) p(z_k) / q(z_k | x): the bound is the mean of log w_k, and log p(x) is about the log
 * of the mean of w_k.
 */
import { normals } from "./noise.js";

/** Draws with their terms: z (K * d), log_px (K), rates (L, K) and log w (K). */
export async function draws(on, x, seen, y, seed) {
  const { draws: count, d, info } = { ...on, draws: on.kept.draws };
  const [, height, width] = info.shape;
  const { next } = normals(seed);
  const { z, log_px, log_pz, log_qz } = await on.run("terms", {
    x: [x, [1, ...info.shape]],
    mask: [seen, [1, 1, height, width]],
    noise: [Array.from({ length: count * d }, next), [count, d]],
    y: y && [y, [1, y.length]],
  });
  const rates = info.levels.map((_, l) => Array.from({ length: count }, (_, k) => log_qz[l * count + k] - log_pz[l * count + k]));
  const weights = Array.from(log_px, (value, k) => value - rates.reduce((sum, rate) => sum + rate[k], 0));
  return { z, log_px: [...log_px], rates, weights };
}

/** Reconstruction, rate of each level, bound and log-likelihood, in nats; an autoencoder has but the first. */
export async function bound(on, x, seen, y) {
  const { log_px, rates, weights } = await draws(on, x, seen, y, 0);
  const reconstruction = mean(log_px);
  if (!on.info.is_bound) return { reconstruction, rate: null, elbo: null, log_likelihood: null };
  return { reconstruction, rate: rates.map(mean), elbo: mean(weights), log_likelihood: logMean(weights) };
}

/** p(y | x) of each class. */
export async function likelyLabels(on, x, seen) {
  const { values, probabilities } = on.info.condition;
  const logs = [];
  for (const k of values.keys()) {
    const y = values.map((_, j) => (j === k ? 1 : 0));
    logs.push(Math.log(probabilities[k]) + logMean((await draws(on, x, seen, y, k)).weights));
  }
  return shares(logs);
}

/** Numbers in proportion to exp(logs) that sum to 1. */
export function shares(logs) {
  const highest = Math.max(...logs);
  const parts = logs.map((value) => Math.exp(value - highest));
  const total = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => part / total);
}

/** Which of some weights that sum to 1 a number in [0, 1) falls to. */
export function among(weights, at) {
  let sum = 0;
  const found = weights.findIndex((weight) => (sum += weight) > at);
  return found < 0 ? weights.length - 1 : found;
}

const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

function logMean(logs) {
  const highest = Math.max(...logs);
  return highest + Math.log(mean(logs.map((value) => Math.exp(value - highest))));
}
