/**
 * The terms of the bound of one image at K posterior samples, by the graph `terms`.
 *
 * With w_k = p(x | z_k) p(z_k) / q(z_k | x): the ELBO is the mean of log w_k, and log p(x) is estimated by the log of
 * the mean of w_k.
 */
import { normals } from "./noise.js";

/** Samples and their terms: z (K * d), log_px (K), log q - log p of each layer (L, K), and log w (K). */
export async function sampleTerms(site, x, observed, y, seed) {
  const { d, info } = site;
  const n = site.data.n_samples;
  const [, height, width] = info.shape;
  const { next } = normals(seed);
  const { z, log_px, log_pz, log_qz } = await site.run("terms", {
    x: [x, [1, ...info.shape]],
    mask: [observed, [1, 1, height, width]],
    noise: [Array.from({ length: n * d }, next), [n, d]],
    y: y && [y, [1, y.length]],
  });
  const logRatios = info.layer_dims.map((_, l) => Array.from({ length: n }, (_, k) => log_qz[l * n + k] - log_pz[l * n + k]));
  const logWeights = Array.from(log_px, (value, k) => value - logRatios.reduce((sum, ratio) => sum + ratio[k], 0));
  return { z, log_px: [...log_px], logRatios, logWeights };
}

/** Reconstruction, KL of each layer, ELBO and log-likelihood, in nats; only the first for an autoencoder. */
export async function bound(site, x, observed, y) {
  const { log_px, logRatios, logWeights } = await sampleTerms(site, x, observed, y, 0);
  const reconstruction = mean(log_px);
  if (!site.info.is_bound) return { reconstruction, kl: null, elbo: null, log_likelihood: null };
  return { reconstruction, kl: logRatios.map(mean), elbo: mean(logWeights), log_likelihood: logMeanExp(logWeights) };
}

/** p(y | x) of each class. */
export async function labelPosterior(site, x, observed) {
  const { names, probabilities } = site.info.condition;
  const logs = [];
  for (const k of names.keys()) {
    const y = names.map((_, j) => (j === k ? 1 : 0));
    logs.push(Math.log(probabilities[k]) + logMeanExp((await sampleTerms(site, x, observed, y, k)).logWeights));
  }
  return normalizeWeights(logs);
}

/** softmax(logs). */
export function normalizeWeights(logs) {
  const highest = Math.max(...logs);
  const parts = logs.map((value) => Math.exp(value - highest));
  const total = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => part / total);
}

/** The index that a uniform number in [0, 1) selects, given weights that sum to 1. */
export function sampleIndex(weights, uniform) {
  let sum = 0;
  const found = weights.findIndex((weight) => (sum += weight) > uniform);
  return found < 0 ? weights.length - 1 : found;
}

const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

export function logMeanExp(logs) {
  const highest = Math.max(...logs);
  return highest + Math.log(mean(logs.map((value) => Math.exp(value - highest))));
}
