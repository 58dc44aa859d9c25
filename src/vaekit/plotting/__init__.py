"""Arrays -> figures: pure functions that know nothing of models, in one house style.

Images are arrays (N, C, H, W) in [0, 1]; vectors are images of shape (1, 1, D) and are drawn as curves.
A figure is a `matplotlib.figure.Figure`; `save` writes it as PNG, PDF or SVG.
"""

from vaekit.plotting.bound_by_samples import bound_by_samples
from vaekit.plotting.clusters import clusters
from vaekit.plotting.curves import training_curves
from vaekit.plotting.elbo_bars import elbo_and_gap
from vaekit.plotting.grids import decoded_grid, interpolation, reconstructions, samples, traversal
from vaekit.plotting.latent import latent_scatter
from vaekit.plotting.latent_histograms import kl_by_latent, latent_histograms
from vaekit.plotting.nearest_neighbors import nearest_neighbors
from vaekit.plotting.panels import scatter_panels, scatter_panels_3d
from vaekit.plotting.png import animate, grid_png, save_grid
from vaekit.plotting.posteriors import posteriors
from vaekit.plotting.projection import kernel_components, principal_components, project
from vaekit.plotting.rows import class_grid, image_rows, imputations, interpolation_rows
from vaekit.plotting.runs import curves_by_run, metric_vs_param, rate_distortion
from vaekit.plotting.style import render, save

__all__ = [
    "animate",
    "bound_by_samples",
    "class_grid",
    "clusters",
    "curves_by_run",
    "decoded_grid",
    "elbo_and_gap",
    "grid_png",
    "image_rows",
    "imputations",
    "interpolation",
    "interpolation_rows",
    "kernel_components",
    "kl_by_latent",
    "latent_histograms",
    "latent_scatter",
    "metric_vs_param",
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
    "scatter_panels",
    "scatter_panels_3d",
    "training_curves",
    "traversal",
]
