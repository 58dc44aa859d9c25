"""Draws arrays as matplotlib figures in one style.

Every function here is pure: it takes numpy arrays and strings and returns a `matplotlib.figure.Figure`. It
knows no models, tensors or run directories. Only `vaekit.runs`, `vaekit.studies`, `vaekit.explorer` and
`vaekit.cli` may import this package; it imports `vaekit.utils` and `vaekit.errors`.

Data points are arrays (N, *event) of any event shape: images (N, C, H, W) in [0, 1], signals (N, C, L),
volumes (N, C, D, H, W) and vectors (N, D). What is drawn of each is written in `pictures`. NaN marks a value
that was not observed.

Grids of images:
    samples, reconstructions, interpolation, traversal, decoded_grid    one model
    image_rows, interpolation_rows, class_grid, imputations             several models, classes or imputations
    nearest_neighbors                                                   images and their nearest images
    pictures, value_limits                                              data points of any shape as images

Latent space:
    latent_scatter, scatter_panels, scatter_panels_3d                   points colored by class
    latent_histograms, kl_by_latent                                     distribution and KL of each latent
    project, principal_components, kernel_components, embed             from d dimensions to two or three
    clusters                                                            clusters against classes
    posteriors                                                          exact and approximate posteriors

Tables:
    marginals, correlations, column_errors                              columns of data and samples

Charts:
    training_curves                                                     one run by epoch
    curves_by_run, metric_vs_param, rate_distortion, differences        several runs
    elbo_and_gap, bound_by_samples                                      bounds of log p(x)

Anomalies:
    anomaly_scores                                                      scores, threshold, held-out scores

Looks:
    look, Look, LookOptions                                             width, title, colors, own axes

Files:
    save, render, themed_svg                                            as PNG, PDF or SVG, or in a page
    grid_png, save_grid, animate                                        plain grids of pixels, and GIFs
"""

from vaekit.plotting.anomaly_scores import anomaly_scores
from vaekit.plotting.bound_by_samples import bound_by_samples
from vaekit.plotting.clusters import clusters
from vaekit.plotting.curves import training_curves
from vaekit.plotting.differences import Difference, differences
from vaekit.plotting.elbo_bars import elbo_and_gap
from vaekit.plotting.grids import decoded_grid, interpolation, reconstructions, samples, traversal
from vaekit.plotting.latent import latent_scatter
from vaekit.plotting.latent_histograms import kl_by_latent, latent_histograms
from vaekit.plotting.look import Look, LookOptions, look
from vaekit.plotting.nearest_neighbors import nearest_neighbors
from vaekit.plotting.panels import scatter_panels, scatter_panels_3d
from vaekit.plotting.pictures import pictures, value_limits
from vaekit.plotting.png import animate, grid_png, save_grid
from vaekit.plotting.posteriors import posteriors
from vaekit.plotting.projection import (
    METHODS,
    Method,
    embed,
    kernel_components,
    principal_components,
    project,
)
from vaekit.plotting.rows import class_grid, image_rows, imputations, interpolation_rows
from vaekit.plotting.runs import curves_by_run, metric_vs_param, rate_distortion
from vaekit.plotting.style import render, save
from vaekit.plotting.tables import column_errors, correlations, marginals
from vaekit.plotting.themed import themed_svg

__all__ = [
    "METHODS",
    "Difference",
    "Look",
    "LookOptions",
    "Method",
    "animate",
    "anomaly_scores",
    "bound_by_samples",
    "class_grid",
    "clusters",
    "column_errors",
    "correlations",
    "curves_by_run",
    "decoded_grid",
    "differences",
    "elbo_and_gap",
    "embed",
    "grid_png",
    "image_rows",
    "imputations",
    "interpolation",
    "interpolation_rows",
    "kernel_components",
    "kl_by_latent",
    "latent_histograms",
    "latent_scatter",
    "look",
    "marginals",
    "metric_vs_param",
    "nearest_neighbors",
    "pictures",
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
    "themed_svg",
    "training_curves",
    "traversal",
    "value_limits",
]
