"""Variational autoencoders as PyTorch modules: prior, encoder, decoder, and the terms of the lower bound.

A training loop of your own needs nothing else. These modules import `vaekit.distributions`, `vaekit.nn` and
`vaekit.utils`; training, evaluation and everything above import them.

    vae           VAE, interpolate
    elbo          ELBOTerms
    conditional   Conditional, Hierarchy, HierarchicalDistribution, LatentSample
    objectives    Objective, elbo, iwae, and the schedules constant, linear, cyclical
    head          Head
    likelihoods   bernoulli, gaussian, discretized_logistic and others
    posteriors    the kinds of q(z | x): Gaussians, a normalizing flow, a point
    priors        the kinds of p(z), and BuildContext, what they are built from
    vampprior     AggregatedPosterior, PseudoInputs, PseudoLabels, FixedInputs
    flows         Flow, FlowPrior, FlowPosterior
    labels        LabelPrior, class_prior, attribute_prior
    masking       observed_mask, fill_missing, masked_log_prob
    imputation    impute, Imputations
    batching      images_per_batch, batch_size_for, chunk_sizes
"""
