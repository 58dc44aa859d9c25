"""Arrays -> figures: pure functions that know nothing of models, in one house style.

Images are arrays (N, C, H, W) in [0, 1]; vectors are images of shape (1, 1, D) and are drawn as curves.
A figure is a `matplotlib.figure.Figure`; `save` writes it as PNG, PDF or SVG.
"""

from vaekit.figures.curves import best_epoch, training_curves
from vaekit.figures.grids import decoded_grid, interpolation, reconstructions, samples, traversal
from vaekit.figures.latent import latent_scatter, project
from vaekit.figures.pixels import animate, grid_png, save_grid
from vaekit.figures.rows import class_grid, image_rows, interpolation_pair
from vaekit.figures.runs import curves_by_run, rate_distortion, value_against
from vaekit.figures.style import render, save

__all__ = [
    "animate",
    "best_epoch",
    "class_grid",
    "curves_by_run",
    "decoded_grid",
    "grid_png",
    "image_rows",
    "interpolation",
    "interpolation_pair",
    "latent_scatter",
    "project",
    "rate_distortion",
    "reconstructions",
    "render",
    "samples",
    "save",
    "save_grid",
    "training_curves",
    "traversal",
    "value_against",
]
