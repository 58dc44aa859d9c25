"""What is done with a trained model and data: measure, impute, score."""
