/**
 * Imputations of masked pixels, computed as in `vaekit.models.imputation`: short Markov chains of z from q(z | x) and
 * x from E[x | z] fill the gap; samples from the posteriors of these fillings are resampled by their weights
 * p(observed pixels | z) p(z) / q(z).
 */
import { normalizeWeights, sampleIndex, sampleTerms } from "./elbo_terms.js";
import { normals } from "./noise.js";

const CHAINS = 6;
const STEPS = 3;

/**
 * n imputations side by side, with the observed pixels unchanged, and how much they rest on.
 * @returns {Promise<{images: Float32Array, ess: number, samples: number}>}
 */
export async function impute(site, x, observed, y, n, seed) {
  const random = normals(seed);
  const visible = x.map((value, at) => value * observed[at % observed.length]);
  const found = [];
  for (let chain = 0; chain <= CHAINS; chain++) {
    const filled = chain ? await runChain(site, visible, observed, y, random.next) : visible;
    found.push(await sampleTerms(site, filled, observed, y, 1000 * seed + chain));
  }
  const weights = normalizeWeights(found.flatMap((part) => part.logWeights));
  const latents = found.flatMap(({ z, logWeights }) => logWeights.map((_, k) => [...z.subarray(k * site.d, (k + 1) * site.d)]));
  const chosen = Array.from({ length: n }, () => latents[sampleIndex(weights, random.uniform())]);
  const images = await decode(site, chosen, y);
  return {
    images: images.map((value, at) => (observed[at % observed.length] ? visible[at % visible.length] : value)),
    ess: 1 / weights.reduce((sum, weight) => sum + weight * weight, 0),
    samples: weights.length,
  };
}

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
