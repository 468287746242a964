"""The versions of the formulas in this folder; whoever changes a formula raises its version (tests/test_golden.py)."""

CODEC = 1  # rate, faithfulness, divergence: records of an older version are listed, not ranked
EXPLAINER = 1  # explanations and correlation: likewise
UNCERTAINTY = 2  # intervals, tests and ranks: computed anew from the counts of every record, so records outlast it
