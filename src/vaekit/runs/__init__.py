"""A run directory: one recipe trained, measured, plotted, reported and examined.

`train` and `resume` write it, `Run` reads it, and the other modules turn what is in it into plots, a report
and advice. Runs stand on `vaekit.engine`; `studies`, `explorer` and `cli` may import them.

- `run`: `Run`, `load`
- `files`: `RunFiles`, the only reader of the files of a run
- `train`: `train`, `resume`
- `resolve`: the recipe, the data and the directory of a new run
- `endings`: how the training of a run ended
- `sample_callback`: images of the training progress
- `summary`, `report`: key numbers as cards, and the page `report.html`
- `diagnose`, `doctor`: advice on a run, and a check of this machine
"""
