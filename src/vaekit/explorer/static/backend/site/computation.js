/** Latents and terms of one image that given rows of noise make, by the graph `terms`; as views/computation.py. */

/** @param {number[][]} noise  at most as many rows as the graph takes */
export async function computation(site, x, observed, y, noise) {
  const { d, info } = site;
  const n = site.data.n_samples;
  const rows = Array.from({ length: n }, (_, k) => noise[k] ?? new Array(d).fill(0));
  const [, height, width] = info.shape;
  const { z, log_px, log_pz, log_qz } = await site.run("terms", {
    x: [x, [1, ...info.shape]],
    mask: [observed, [1, 1, height, width]],
    noise: [rows.flat(), [n, d]],
    y: y && [y, [1, y.length]],
  });
  const layers = (values) => info.layer_dims.map((_, l) => noise.map((_, k) => values[l * n + k]));
  return {
    z: noise.map((_, k) => [...z.subarray(k * d, (k + 1) * d)]),
    log_px: [...log_px.subarray(0, noise.length)],
    log_pz: layers(log_pz),
    log_qz: layers(log_qz),
  };
}
