"""TVAE, with no setting changed: python tvae_.py TRAIN.csv RESULT.csv ROWS SEED [COLUMN OF WORDS ...].

TVAE (Xu et al. 2019) is one of the synthesizers of SDV; its engine is the package ctgan. The script runs in
an environment of its own and does not import vaekit. It prints the CPU seconds of training and sampling.
"""

from __future__ import annotations

import sys
import time

import pandas as pd
import torch
from ctgan import TVAE


def main(source: str, result: str, rows: int, seed: int, words: list[str]) -> None:
    """Train on a CSV and write as many rows as asked.

    Args:
        source: the CSV of the training rows.
        result: where to write the synthetic rows.
        rows: how many.
        seed: of training and sampling.
        words: the columns of words.
    """
    torch.manual_seed(seed)
    began = time.process_time()
    model = TVAE(enable_gpu=False)
    model.set_random_state(seed)
    model.fit(pd.read_csv(source, dtype=dict.fromkeys(words, str)), words)
    model.sample(rows).to_csv(result, index=False)
    print(time.process_time() - began)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
