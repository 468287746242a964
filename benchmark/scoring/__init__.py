"""Pure functions on numbers: rate, faithfulness, divergence, statistics. Knows no model, task or file."""
