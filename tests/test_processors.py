"""Records and board hold on every processor: figures are compared to the last digit, whatever numpy may use of it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from simplibench.scoring.quantised import LEVELS, quantise, restore

FEATURES = "import json, numpy; print(json.dumps(numpy.show_config(mode='dicts')['SIMD Extensions'].get('found', [])))"
COMMAND = f"{FEATURES}; from simplibench.cli import main; main()"


def used_features():
    """What numpy uses of this processor beyond what it was built for; all of it can be turned off."""
    return np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])


@pytest.mark.parametrize("arguments", [["verify"], ["leaderboard", "--check"]])
def test_committed_records_hold_without_the_processors_features(arguments):
    off = os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(used_features())}
    command = [sys.executable, "-c", COMMAND, *arguments]
    finished = subprocess.run(command, env=off, capture_output=True, encoding="utf-8", timeout=240)
    assert finished.returncode == 0, finished.stderr
    features, _, said = finished.stdout.partition("\n")
    assert json.loads(features) == [], "numpy was to do without these"
    assert "records verified" in said


def test_a_divergence_is_stored_as_the_level_that_whole_numbers_give():
    """Level k is nearest to 255 times the fourth root of a fraction f where (2k - 1)^4 <= 510^4 f <= (2k + 1)^4."""
    levels = np.arange(LEVELS + 1)
    assert (quantise(restore(levels)) == levels).all()
    parts = 10_000
    for part, level in enumerate(quantise(np.arange(parts + 1) / parts).tolist()):
        assert max(2 * level - 1, 0) ** 4 * parts <= (2 * LEVELS) ** 4 * part <= (2 * level + 1) ** 4 * parts
