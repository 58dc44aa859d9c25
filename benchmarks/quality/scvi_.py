"""scvi-tools on counts, with no setting changed: python scvi_.py COUNTS.npz RESULT.npz SEED SAMPLES.

It runs in an environment of its own and does not import vaekit.
"""

from __future__ import annotations

import sys
import time

import anndata
import numpy as np
import scvi
import torch


def main(source: str, result: str, seed: int, samples: int) -> None:
    """Train on `train` of COUNTS.npz; write log p(x | total) and the latents of `test`.

    Args:
        source: with arrays `train` (N, D) and `test` (M, D).
        result: where to write `log_likelihood` (M,), `latents` (M, d) and `seconds`.
        seed: of the training.
        samples: importance samples per row.
    """
    scvi.settings.seed = seed
    with np.load(source) as arrays:
        train, test = (anndata.AnnData(arrays[name].astype(np.float32)) for name in ("train", "test"))
    for data in (train, test):
        data.layers["counts"] = data.X
    scvi.model.SCVI.setup_anndata(train, layer="counts")
    began = time.perf_counter()
    model = scvi.model.SCVI(train)
    model.train(accelerator="cpu", enable_progress_bar=False)
    seconds = time.perf_counter() - began
    with torch.no_grad():
        log_likelihood = model.get_marginal_ll(test, n_mc_samples=samples, return_mean=False, batch_size=64)
        latents = model.get_latent_representation(test)
    np.savez(result, log_likelihood=np.asarray(log_likelihood), latents=latents, seconds=seconds)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
