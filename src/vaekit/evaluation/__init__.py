"""What a trained model is worth, and what its latent space holds. Nothing here changes a model."""
