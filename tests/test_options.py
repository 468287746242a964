"""What a run is asked for is checked alike from Python and from the command line: errors name it, expected and got."""

import inspect
import math
import multiprocessing
import re

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from simplibench import evaluate
from simplibench.api import evaluation
from simplibench.cli import application
from simplibench.errors import UsageError
from simplibench.harness.options import LONGEST_SECONDS, RunOptions

app = application()

SECONDS = "a number of seconds, at least 0.1 and at most 2,000,000"
WRONG = [
    ({"seeds": []}, r"seeds must be 0, 1, ... or untrained, got \(\)"),
    ({"seeds": -1}, "seeds must be 0, 1, ... or untrained, got -1"),
    ({"seeds": [0, True]}, "seeds must be 0, 1, ... or untrained, got True"),
    ({"seeds": 1.0}, "seeds must be .*, got 1.0"),
    ({"seeds": {0, 1}}, r"seeds must be .*, got \{0, 1\}"),
    ({"seeds": "trained"}, "seeds must be .*, got 'trained'"),
    ({"arenas": []}, r"arenas must be the name of an arena, or several, got \(\)"),
    ({"arenas": 3}, "arenas must be the name of an arena, or several, got 3"),
    ({"tasks": []}, r"tasks must be the name of a task, or several, or all, got \(\)"),
    ({"limit": 0}, "limit must be a whole number of at least 1, got 0"),
    ({"limit": True}, "limit must be a whole number of at least 1, got True"),
    ({"limit": 2.5}, "limit must be a whole number of at least 1, got 2.5"),
    ({"limit": "2"}, "limit must be a whole number of at least 1, got '2'"),
    ({"timeout": math.nan}, f"timeout must be {SECONDS}, got nan"),
    ({"timeout": math.inf}, f"timeout must be {SECONDS}, got inf"),
    ({"timeout": 10**400}, f"timeout must be {SECONDS}, got inf"),
    ({"timeout": -1}, f"timeout must be {SECONDS}, got -1"),
    ({"timeout": None}, f"timeout must be {SECONDS}, got None"),
    ({"device": "tpu"}, "device must be auto, cpu or cuda, got 'tpu'"),
    ({"output": None}, "output must be the path of a folder, got None"),
    ({"output": ""}, "output must be the path of a folder, got ''"),
    ({"fresh": 1}, "fresh must be True or False, got 1"),
    ({"in_process": "no"}, "in_process must be True or False, got 'no'"),
    ({"limit": -3, "seeds": "x"}, "seeds must be .*, got 'x'; limit must be .*, got -3"),
]


@pytest.mark.parametrize(("values", "text"), WRONG)
def test_a_wrong_argument_of_evaluate_is_named_with_what_was_expected_and_got(values, text, tmp_path):
    with pytest.raises(UsageError, match=f"^{text}"):
        evaluate("svd", **{"output": tmp_path / "out"} | values)
    assert list(tmp_path.iterdir()) == []


def test_evaluate_of_no_method_is_refused():
    with pytest.raises(UsageError, match=r"method must be a method, or several, got \[\]"):
        evaluate([])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0, (0,)),
        ("untrained", ("untrained",)),
        (np.int64(3), (3,)),
        (np.arange(2), (0, 1)),
        (torch.arange(2), (0, 1)),
        (range(2), (0, 1)),
        (["untrained", np.int8(1)], ("untrained", 1)),
        (None, None),
    ],
)
def test_seeds_are_a_single_one_or_a_sequence_of_any_kind_of_whole_number(given, expected):
    seeds = RunOptions.from_python(seeds=given).seeds
    assert seeds == expected
    assert {type(seed) for seed in seeds or ()} <= {int, str}


def test_numbers_of_numpy_and_single_names_become_pythons_own():
    asked = RunOptions.from_python(limit=np.int32(5), timeout=np.float32(2), arenas="attention.1", tasks=("a", "b"))
    assert (asked.limit, asked.timeout, asked.arenas, asked.tasks) == (5, 2.0, ("attention.1",), ("a", "b"))
    assert (type(asked.limit), type(asked.timeout)) == (int, float)


def test_seed_0_alone_runs_reference_0_alone(tmp_path):
    made = evaluate("svd", arenas="attention.1", seeds=np.int64(0), limit=np.int64(2), in_process=True, output=tmp_path)
    assert {record.seed for record in made} == {0}
    assert {record.limit for record in made} == {2}


def test_every_argument_of_evaluate_is_checked():
    arguments = set(inspect.signature(evaluate).parameters) - {"method"}
    assert arguments <= set(RunOptions.model_fields)
    assert set(RunOptions.model_fields) - arguments == {"jobs"}
    assert inspect.signature(evaluate).parameters["timeout"].default == evaluation.DEFAULT_TIMEOUT


@pytest.mark.parametrize(
    "command",
    [("run", "svd"), ("check", "svd"), ("validate", "svd"), ("rerun", "record.json"), ("train", "dyck-20-10")],
)
@pytest.mark.parametrize("seconds", ["nan", "inf", "1e300", str(LONGEST_SECONDS + 1)])
def test_every_command_bounds_its_seconds(command, seconds):
    option = "--save-every" if command[0] == "train" else "--timeout"
    finished = CliRunner().invoke(app, [*command, option, seconds])
    if isinstance(finished.exception, UsageError):
        assert re.match(rf"{option} must be .*seconds, at least .* and at most 2,000,000, got", str(finished.exception))
    else:  # typer knows the least, and compares it with what is no number
        assert (finished.exit_code, seconds) == (2, "nan")
        assert f"Invalid value for '{option}'" in finished.output


def test_the_longest_timeout_can_be_waited_for():
    """The system takes it as milliseconds in 32 bits: ten times as long would be an OverflowError."""
    one, other = multiprocessing.Pipe()
    one.send("ready")
    assert other.poll(LONGEST_SECONDS)
    with pytest.raises(OverflowError):
        other.poll(10 * LONGEST_SECONDS)
