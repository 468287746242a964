"""The task code-python on a small corpus of the test's own: windows, splits, missing data, the commands."""

import gzip
import json
import random

import numpy as np
import pytest
from small_code import ROLES, WINDOWS, function, module, packages, task_of

from simplibench.cli import data
from simplibench.errors import DamagedFile, UsageError
from simplibench.tasks import load_split, load_training, splits
from simplibench.tasks.code import CodeSearchNet, Kind, Manifest, PinnedPackages, codesearchnet, key
from simplibench.tasks.code_java import CodeJava
from simplibench.tasks.code_python import (
    CHARACTERS,
    VOCABULARY,
    WINDOW,
    CodePython,
    code_python,
    cut,
    is_held_out,
    joined,
    text_of,
)

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def manifest(package):
    return packages(package)


@pytest.fixture
def task(manifest, tmp_path):
    return task_of(manifest, tmp_path)


def windows_of(sequences) -> list[str]:
    return [text_of(sequences[index]) for index in range(len(sequences))]


# Windows


def test_every_split_out_of_distribution_is_named_after_its_functions():
    out_of_distribution = [name for name, role in code_python.roles.items() if role == "ood"]
    assert out_of_distribution == list(code_python.source.languages)[1:]


def test_tokens_are_start_and_98_less_one_characters():
    assert (VOCABULARY, len(CHARACTERS), CodePython.candidates) == (98, 97, range(1, 98))
    sequences = joined([CHARACTERS, "a\n"])
    assert sequences[0].tolist() == list(range(98))
    assert sequences[1].tolist() == [0, 3 + ord("a") - ord(" "), 1]
    assert windows_of(sequences) == [CHARACTERS, "a\n"]


@pytest.mark.parametrize(
    ("length", "expected"), [(31, []), (32, [32]), (256, [256]), (287, [256]), (288, [256, 32]), (10_000, [256] * 39)]
)
def test_a_function_is_cut_into_windows_and_too_short_a_rest_left_out(length, expected):
    text = "".join(random.Random(0).choices(CHARACTERS, k=length))
    windows = list(cut(text))
    assert [len(window) for window in windows] == expected
    assert text.startswith("".join(windows))


def test_about_three_percent_are_held_out():
    assert np.mean([is_held_out(key(str(number))) for number in range(20_000)]) == pytest.approx(0.03, abs=0.005)


# Splits


def test_training_is_every_window_of_every_function_not_held_out(task):
    texts = {function("python", number) for number in range(300)} | {"def short(x):\n    y = x\n    return y"}
    expected = [window for text in texts if not is_held_out(key(text)) for window in cut(text)]
    training = load_training(task)
    assert sorted(windows_of(training)) == sorted(expected)
    assert training.tokens[training.offsets[:-1]].tolist() == [0] * len(training)


def test_every_split_holds_full_windows_at_the_start_of_functions(task):
    for name, role in ROLES.items():
        split = load_split(task, name)
        assert split.role == role
        assert split.sequences.lengths.tolist() == [1 + WINDOW] * WINDOWS
    starts = {function("python", number)[:WINDOW] for number in range(300)}
    assert {*windows_of(load_split(task, "fit").sequences), *windows_of(load_split(task, "id").sequences)} < starts
    assert all(window.startswith("int f") for window in windows_of(load_split(task, "java").sequences))


def test_the_fit_split_is_trained_on(task):
    assert set(windows_of(load_split(task, "fit").sequences)) < set(windows_of(load_training(task)))


def test_functions_that_are_trained_on_are_not_evaluated_whatever_their_white_space_or_end(task):
    assert not [
        window
        for window in windows_of(load_split(task, "unseen-project").sequences)
        if int(window[5:].split("(")[0]) < 300
    ]


def test_every_character_of_a_window_is_scored_once_with_its_strata(task):
    split = load_split(task, "java")
    assert len(split.cases) == WINDOWS * WINDOW
    for index in range(WINDOWS):
        own = split.cases.sequence == index
        assert split.cases.position[own].tolist() == list(range(WINDOW))
        assert split.cases.target[own].tolist() == split.sequences[index][1:].tolist()
    blanks = split.cases.target == 1 + CHARACTERS.index(" ")
    kinds = split.cases.strata["kind"]
    assert set(kinds[blanks]) == {Kind.INDENTATION, Kind.SPACE}
    assert set(kinds[~blanks]) == {Kind.SPACE, Kind.KEYWORD, Kind.PUNCTUATION, Kind.LITERAL, Kind.FIRST, Kind.REPEATED}
    assert set(split.cases.strata["place"]) == set(range(6))


def test_the_order_of_packages_and_files_changes_nothing(task, manifest, package, tmp_path):
    beta = manifest.packages[1]
    alpha = package(
        "alpha", {"y.py": module("python", range(199, 99, -1)), "x.py": module("python", range(149, -1, -1))}
    )
    assert alpha.sha256 != manifest.packages[0].sha256
    other = task_of(Manifest(packages=(*manifest.packages[:1:-1], beta, alpha)), tmp_path)
    assert other.hashes == task.hashes


def test_one_more_function_changes_the_training_hash(task, manifest, package, tmp_path):
    more = package("zeta", {"a.py": module("python", [77_777])})
    other = task_of(Manifest(packages=(*manifest.packages, more)), tmp_path)
    assert other.hashes["training"] != task.hashes["training"]
    assert other.hashes["java"] == task.hashes["java"]


def test_a_split_with_too_few_functions_says_how_many_there_are(manifest, package, tmp_path):
    few = package("few", {"a.c": module("c", range(3))}, "c", "c")
    with pytest.raises(
        UsageError, match="code-python: split c needs 4 different functions of 256 characters .* found 3;"
    ):
        task_of(Manifest(packages=(*manifest.packages[:-1], few)), tmp_path)


def test_a_package_without_functions_makes_an_empty_split(manifest, package, tmp_path):
    empty = package("empty", {"a.c": "int x;\n"}, "c", "c")
    with pytest.raises(UsageError, match="split c needs 4 .* found 0"):
        task_of(Manifest(packages=(*manifest.packages[:-1], empty)), tmp_path)


# Missing data


def test_a_missing_language_is_reported_and_the_others_are_built(task, manifest, tmp_path, capsys):
    (tmp_path / "index" / "delta-1.0.tar.gz").unlink()
    assert len(load_split(task, "c").sequences) == WINDOWS
    assert "code-python: java cannot be built: not fetched: delta 1.0; `simplibench data" in capsys.readouterr().err
    with pytest.raises(UsageError, match=r"code-python: java cannot be built: not fetched: delta 1.0; .*--only java"):
        load_split(task, "java")


def test_without_the_training_packages_nothing_can_be_built(task, tmp_path):
    (tmp_path / "index" / "beta-1.0-py3-none-any.whl").unlink()
    for load in (lambda: load_split(task, "java"), lambda: load_training(task), task.build):
        with pytest.raises(UsageError, match="cannot be built: not fetched: beta 1.0"):
            load()


def test_what_was_built_stays_usable_without_the_packages(task, tmp_path):
    load_training(task)
    splits.load_split.cache_clear()
    for file in (tmp_path / "index").iterdir():
        file.unlink()
    assert len(load_split(task, "java").sequences) == WINDOWS


def test_a_changed_package_stops_the_build(task, tmp_path):
    (tmp_path / "index" / "delta-1.0.tar.gz").write_bytes(b"x")
    with pytest.raises(DamagedFile, match="delta-1.0.tar.gz: expected sha256"):
        load_training(task)


# The second profile


def test_codesearchnet_trains_on_java_and_reports_the_languages_that_are_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(codesearchnet, "_has_library", lambda: False)

    def write(name: str, language: str, numbers) -> None:
        lines = [json.dumps({"original_string": function(language, number)}) for number in numbers]
        with gzip.open(tmp_path / name, "wt", encoding="utf-8") as file:
            file.write("\n".join(lines))

    write("java_train_0.jsonl.gz", "java", range(300))
    write("java_test_0.jsonl.gz", "java", range(290, 310))
    write("python_test_0.jsonl.gz", "python", range(5))
    task = CodeJava(CodeSearchNet("java", tmp_path), WINDOWS)
    assert set(task.missing()) == {"javascript", "go"}
    training, built = task.build()
    assert list(built) == ["fit", "id", "unseen-project", "python"]
    assert set(windows_of(built["unseen-project"].sequences)).isdisjoint(windows_of(training))
    assert all(window.startswith("def f") for window in windows_of(built["python"].sequences))


# The commands


@pytest.fixture
def commands(task, manifest, tmp_path, monkeypatch):
    """The commands on the small corpus, pip fetching from a folder."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    wheels = Manifest(packages=manifest.packages[:3])  # a source distribution's backend is not there without a network
    own = CodePython(PinnedPackages(wheels), WINDOWS)
    own.roles = {name: ROLES[name] for name in ("fit", "id", "unseen-project")}
    own.hashes = {name: task.hashes[name] for name in ("training", *own.roles)}
    monkeypatch.setattr(data, "TASKS", {"code-python": own})
    monkeypatch.setattr(data, "load_manifest", lambda: wheels)
    return data


def test_fetch_gets_one_group_then_the_rest_builds_what_it_can_and_works_offline(commands, monkeypatch, capsys):
    commands.fetch_data("code-python", ["unseen-project"])
    said = capsys.readouterr()
    assert "1 packages, 0 MB" in said.err
    assert "no split can be built: not fetched: alpha 1.0, beta 1.0" in said.err
    commands.fetch_data("code-python", None)
    said = capsys.readouterr()
    assert "3 packages" in said.err
    assert "2 were fetched" in said.err
    assert said.out.count("built") == 4
    monkeypatch.setattr("subprocess.run", None)
    commands.fetch_data("code-python", None)
    assert "0 were fetched" in capsys.readouterr().err


def test_list_shows_packages_licences_and_what_is_there(commands, cache, capsys):
    commands.fetch_data("code-python", ["train"])
    (cache / "packages" / "beta-1.0-py3-none-any.whl").write_bytes(b"x")
    capsys.readouterr()
    commands.list_data("json")
    told = json.loads(capsys.readouterr().out)
    assert [(one["package"], one["licence"], one["state"]) for one in told["packages"]] == [
        ("alpha", "MIT", "there"),
        ("beta", "MIT", "changed"),
        ("gamma", "MIT", "missing"),
    ]
    by_name = {one["split"]: one for one in told["splits"]["code-python"]}
    assert by_name["id"]["characters"] == WINDOWS * WINDOW
    assert by_name["unseen-project"]["state"] == "data missing"
    commands.list_data("table")
    assert "simplibench data fetch code-python" in capsys.readouterr().out


def test_an_unknown_task_or_group_names_those_there_are(commands):
    with pytest.raises(UsageError, match="no data to fetch for dyck; there are: code-python"):
        commands.fetch_data("dyck", None)
    with pytest.raises(UsageError, match="--only must be one of train, unseen-project, got php"):
        commands.fetch_data("code-python", ["php"])


def test_the_command_line_lists_data_without_any(simplibench, cache):
    finished = simplibench("data", "list")
    assert finished.returncode == 0, finished.stderr
    assert "sympy" in finished.stdout
    assert "data missing" in finished.stdout
