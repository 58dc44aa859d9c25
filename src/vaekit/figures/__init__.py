"""Arrays -> figures: pure functions that know nothing of models, in one house style.

Images are arrays (N, C, H, W) in [0, 1]; vectors are images of shape (1, 1, D) and are drawn as curves.
A figure is a `matplotlib.figure.Figure`; `save` writes it as PNG, PDF or SVG.
"""

from vaekit.figures.bounds import bound_and_gap
from vaekit.figures.clusters import clusters
from vaekit.figures.codes import code_histograms, kl_by_latent
from vaekit.figures.curves import best_epoch, training_curves
from vaekit.figures.grids import decoded_grid, interpolation, reconstructions, samples, traversal
from vaekit.figures.growth import bound_by_samples
from vaekit.figures.latent import latent_scatter
from vaekit.figures.neighbours import neighbours
from vaekit.figures.panels import scatters, scatters_3d
from vaekit.figures.pixels import animate, grid_png, save_grid
from vaekit.figures.posteriors import posteriors
from vaekit.figures.projection import kernel_components, principal_components, project
from vaekit.figures.rows import class_grid, image_rows, imputations, interpolation_pair
from vaekit.figures.runs import curves_by_run, rate_distortion, value_against
from vaekit.figures.style import render, save

__all__ = [
    "animate",
    "best_epoch",
    "bound_and_gap",
    "bound_by_samples",
    "class_grid",
    "clusters",
    "code_histograms",
    "curves_by_run",
    "decoded_grid",
    "grid_png",
    "image_rows",
    "imputations",
    "interpolation",
    "interpolation_pair",
    "kernel_components",
    "kl_by_latent",
    "latent_scatter",
    "neighbours",
    "posteriors",
    "principal_components",
    "project",
    "rate_distortion",
    "reconstructions",
    "render",
    "samples",
    "save",
    "save_grid",
    "scatters",
    "scatters_3d",
    "training_curves",
    "traversal",
    "value_against",
]
