/**
 * What may lie under the part of an image that is not seen, as `vaekit.models.imputation` finds it: the gap is filled
 * by short chains, z from q(z | x) and then E[x | z]; from the posteriors of these fillings come draws, and
 * those that are kept are drawn again by their weights p(x seen | z) p(z) / q(z).
 */
import { normals } from "./noise.js";
import { among, draws, shares } from "./elbo_terms.js";

const CHAINS = 6;
const STEPS = 3;

/** n images side by side, what is seen as it was. */
export async function fillings(on, x, seen, y, n, seed) {
  const random = normals(seed);
  const shown = x.map((value, at) => value * seen[at % seen.length]);
  const found = [];
  for (let chain = 0; chain <= CHAINS; chain++) {
    const filled = chain ? await chained(on, shown, seen, y, random.next) : shown;
    found.push(await draws(on, filled, seen, y, 1000 * seed + chain));
  }
  const weights = shares(found.flatMap((part) => part.weights));
  const codes = found.flatMap(({ z, weights: own }) => own.map((_, k) => [...z.subarray(k * on.d, (k + 1) * on.d)]));
  const chosen = Array.from({ length: n }, () => codes[among(weights, random.uniform())]);
  const images = await decoded(on, chosen, y);
  return images.map((value, at) => (seen[at % seen.length] ? shown[at % shown.length] : value));
}

async function chained(on, shown, seen, y, next) {
  let filled = shown;
  for (let step = 0; step < STEPS; step++) {
    const { mean, stddev } = await on.run("encode", { x: [filled, [1, ...on.info.shape]], y: y && [y, [1, y.length]] });
    const image = await decoded(on, [Array.from(mean, (m, j) => m + stddev[j] * next())], y);
    filled = image.map((value, at) => (seen[at % seen.length] ? shown[at] : value));
  }
  return filled;
}

async function decoded(on, z, y) {
  const given = y && [z.flatMap(() => y), [z.length, y.length]];
  return (await on.run("decode", { z: [z.flat(), [z.length, on.d]], y: given })).image;
}
