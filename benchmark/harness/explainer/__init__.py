"""What is specific to explainers: a bank of models and maskings, and what explanations are worth on it."""
