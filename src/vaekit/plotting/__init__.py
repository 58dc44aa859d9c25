"""Arrays -> figures: pure functions that know nothing of models, in one house style.

Images are arrays (N, C, H, W) in [0, 1]; vectors are images of shape (1, 1, D) and are drawn as curves.
A figure is a `matplotlib.figure.Figure`; `save` writes it as PNG, PDF or SVG.
"""

from vaekit.plotting.bound_by_samples import bound_by_samples
from vaekit.plotting.clusters import clusters
from vaekit.plotting.codes import code_histograms, kl_by_latent
from vaekit.plotting.curves import training_curves
from vaekit.plotting.elbo_bars import bound_and_gap
from vaekit.plotting.grids import decoded_grid, interpolation, reconstructions, samples, traversal
from vaekit.plotting.latent import latent_scatter
from vaekit.plotting.nearest_neighbors import nearest_neighbors
from vaekit.plotting.panels import scatters, scatters_3d
from vaekit.plotting.png import animate, grid_png, save_grid
from vaekit.plotting.posteriors import posteriors
from vaekit.plotting.projection import kernel_components, principal_components, project
from vaekit.plotting.rows import class_grid, image_rows, imputations, interpolation_pair
from vaekit.plotting.runs import curves_by_run, rate_distortion, value_against
from vaekit.plotting.style import render, save

__all__ = [
    "animate",
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
    "nearest_neighbors",
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
