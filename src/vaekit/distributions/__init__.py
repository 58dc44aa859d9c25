"""Distributions that `torch.distributions` lacks, or computes where floating point fails.

Every class here is a `torch.distributions.Distribution`. No module knows of models, data or recipes, so every
other package may import this one. `vaekit.models` builds priors, posteriors and likelihoods from it.

    normal      LogScaleNormal, UnitNormal, OptimalNormal, CholeskyNormal, diagonal
    pixels      Bernoulli, ContinuousBernoulli, DiscretizedLogistic, DiscretizedGaussian, CategoricalLevels
    mixture     Mixture, label_logits, mixture_logits
    product     Product: unlike columns side by side
    operations  IndependentEvent, Delta, with_temperature, select, soft_clamp
"""
