"""Pure functions on numbers: rate, faithfulness, divergence, statistics. They know no model, task or file."""
