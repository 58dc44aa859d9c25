/**
 * Imputations of masked pixels, computed as in `vaekit.models.imputation`: short Markov chains of z from q(z | x) and
 * x from E[x | z] fill the gap; samples from the posteriors of these fillings are resampled by their weights
 * p(observed pixels | z) p(z) / q(z).
 */
import { logMeanExp, normalizeWeights, sampleIndex, sampleTerms } from "./elbo_terms.js";
import { normals } from "./noise.js";

/**
 * The posterior of the observed pixels, by the same samples: mean and standard deviation of z, the mean image with the
 * observed pixels unchanged, and the terms of log p(observed) = log p(observed | z) - KL.
 */
export async function observedPosterior(site, visible, observed, y) {
  const found = await propose(site, visible, observed, y, 0, normals(0));
  const logWeights = found.flatMap((part) => part.logWeights);
  const weights = normalizeWeights(logWeights);
  const log_px = found.flatMap((part) => part.log_px);
  const latents = latentsOf(site, found);
  const average = (of) => weights.reduce((sum, weight, k) => sum + weight * of(k), 0);
  const mean = Array.from({ length: site.d }, (_, j) => average((k) => latents[k][j]));
  const stddev = mean.map((m, j) => Math.sqrt(average((k) => (latents[k][j] - m) ** 2)));
  const reconstruction = average((k) => log_px[k]);
  const likelihood = logMeanExp(logWeights);
  const bounds = { kl: [reconstruction - likelihood], elbo: null, log_likelihood: likelihood };
  const none = { kl: null, elbo: null, log_likelihood: null };
  const terms = { reconstruction, ...(site.info.is_bound ? bounds : none) };
  return { mean, stddev, terms, image: await meanImage(site, latents, weights, visible, observed, y) };
}

/** E[x | observed]: the mean of decoded images; those of little weight are left out. */
async function meanImage(site, latents, weights, visible, observed, y) {
  const kept = [...weights.keys()].filter((k) => weights[k] > 1e-4);
  const images = await decode(site, kept.map((k) => latents[k]), y);
  const total = kept.reduce((sum, k) => sum + weights[k], 0);
  const size = visible.length;
  return visible.map((value, at) =>
    observed[at % observed.length]
      ? value
      : kept.reduce((sum, k, row) => sum + (weights[k] / total) * images[row * size + at], 0),
  );
}

const CHAINS = 6;
const STEPS = 3;

/**
 * n imputations side by side, with the observed pixels unchanged, and how much they rest on.
 * @returns {Promise<{images: Float32Array, ess: number, samples: number}>}
 */
export async function impute(site, x, observed, y, n, seed) {
  const random = normals(seed);
  const visible = x.map((value, at) => value * observed[at % observed.length]);
  const found = await propose(site, visible, observed, y, seed, random);
  const weights = normalizeWeights(found.flatMap((part) => part.logWeights));
  const latents = latentsOf(site, found);
  const chosen = Array.from({ length: n }, () => latents[sampleIndex(weights, random.uniform())]);
  const images = await decode(site, chosen, y);
  return {
    images: images.map((value, at) => (observed[at % observed.length] ? visible[at % visible.length] : value)),
    ess: 1 / weights.reduce((sum, weight) => sum + weight * weight, 0),
    samples: weights.length,
  };
}

/** Posterior samples and their terms, from the image with its gap and from chains that fill it. */
async function propose(site, visible, observed, y, seed, random) {
  const found = [];
  for (let chain = 0; chain <= CHAINS; chain++) {
    const filled = chain ? await runChain(site, visible, observed, y, random.next) : visible;
    found.push(await sampleTerms(site, filled, observed, y, 1000 * seed + chain));
  }
  return found;
}

const latentsOf = (site, found) =>
  found.flatMap(({ z, logWeights }) => logWeights.map((_, k) => [...z.subarray(k * site.d, (k + 1) * site.d)]));

async function runChain(site, visible, observed, y, next) {
  let filled = visible;
  for (let step = 0; step < STEPS; step++) {
    const inputs = { x: [filled, [1, ...site.info.shape]], y: y && [y, [1, y.length]] };
    const { mean, stddev } = await site.run("encode", inputs);
    const image = await decode(site, [Array.from(mean, (m, j) => m + stddev[j] * next())], y);
    filled = image.map((value, at) => (observed[at % observed.length] ? visible[at] : value));
  }
  return filled;
}

async function decode(site, z, y) {
  const labels = y && [z.flatMap(() => y), [z.length, y.length]];
  return (await site.run("decode", { z: [z.flat(), [z.length, site.d]], y: labels })).image;
}
