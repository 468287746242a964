"""What holds of every baseline and submission of the repository, whoever adds one."""

import ast

import pytest

from simplibench.guest import Guest
from simplibench.harness.tracks import TRACKS
from simplibench.methods import load_submission
from simplibench.records import COMMITTED
from simplibench.records.store import entry_path
from simplibench.registry import all_methods, all_tasks

METHODS = all_methods()
SUBMISSIONS = {name: load_submission(method.path) for name, method in METHODS.items()}
ARENAS = {f"{task.name}/{arena.name}": (task, arena) for task in all_tasks().values() for arena in task.arenas}
SECONDS = 20.0  # of its own code that an entry gets
every_method = pytest.mark.parametrize("name", METHODS)


@pytest.fixture(scope="module")
def problems(server):
    """All that `validate` finds in a file, in guests of their own; what entries are tried on is made once per track."""
    trials = {}

    def find(path):
        guest, other = Guest(server, path, "cpu"), Guest(server, path, "cpu")
        try:
            manifest = guest.manifest()
            track = manifest.entries[0].track
            if track not in trials:
                trials[track] = TRACKS[track].trial()
            guest.seconds_left = other.seconds_left = SECONDS * len(manifest.entries)
            return [
                str(problem)
                for index, entry in enumerate(manifest.entries)
                for problem in trials[track].problems(guest, other, entry, index)
            ]
        finally:
            guest.close()
            other.close()

    return find


@every_method
def test_every_entry_keeps_the_contract(name, problems):
    assert problems(METHODS[name].path) == []


@every_method
def test_entries_have_labels_of_their_own(name):
    labels = [entry.label for entry in SUBMISSIONS[name].entries]
    assert len(set(labels)) == len(labels)


@every_method
def test_a_method_is_called_like_its_file_and_names_its_authors_and_its_source(name):
    assert SUBMISSIONS[name].name == name
    assert all(author.strip() for author in SUBMISSIONS[name].authors)
    assert SUBMISSIONS[name].citation.strip()


@every_method
def test_a_file_says_what_it_is_in_one_sentence(name):
    first = (ast.get_docstring(ast.parse(METHODS[name].path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    assert first.endswith((".", ")", "!")), (
        f"{METHODS[name].path} must begin with a docstring, a sentence in its first line"
    )


def expected_records(name):
    """Where the records of a method's entries should lie, below the committed ones.

    That is in every arena that an entry fits, on every reference that any record of the arena is of: a task or reference
    that nobody was scored on yet is not on the board. Where data must be fetched, a method may leave an arena out whole.
    """
    for arena_name, (task, arena) in ARENAS.items():
        if task.fetched and not (COMMITTED / arena_name / name).exists():
            continue
        seeds = {path.stem.rpartition(".seed-")[2] for path in (COMMITTED / arena_name).glob("*/*.json")}
        for entry in SUBMISSIONS[name].entries:
            if entry.manifest().fits(arena):
                yield from (entry_path(arena_name, name, entry.label, seed) for seed in sorted(seeds))


@every_method
def test_every_entry_has_a_committed_record_in_every_arena_that_it_fits_on_every_reference(name):
    expected = list(expected_records(name))
    assert expected
    missing = [str(path) for path in expected if not (COMMITTED / path).exists()]
    assert missing == [], f"`simplibench run {name} --task all --output benchmark/records/committed` makes them"
