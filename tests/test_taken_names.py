"""A submission that calls itself like a method of another file: its records would pass for the other's."""

import shutil

import pytest
from run_kit import CONFIG
from typer.testing import CliRunner

from simplibench import Submission, evaluate
from simplibench.baselines.svd import SVD
from simplibench.cli import application
from simplibench.errors import UsageError
from simplibench.harness.again import units_again
from simplibench.harness.runner import Runner
from simplibench.plugin.contract import ContractFile
from simplibench.registry import BASELINES, require_own_name

app = application()

QUICK = {"arenas": ["residual.0"], "seeds": [0], "limit": 2, "device": "cpu", "in_process": True}
TAKEN = r"its submission is called svd, and so is the baseline .*svd\.py: their records would mix; give it another name"


@pytest.fixture
def posing(submission_file, identity_body):
    return submission_file(identity_body, name="svd")


@pytest.mark.parametrize("command", ["run", "validate"])
def test_the_commands_refuse_a_name_that_another_file_has(command, posing, tmp_path):
    options = ["--output", tmp_path / "out", "--in-process", "--limit", 2] if command == "run" else []
    finished = CliRunner().invoke(app, list(map(str, [command, posing, *options])))
    assert isinstance(finished.exception, UsageError)
    with pytest.raises(UsageError, match=rf"^{posing}: {TAKEN}"):
        raise finished.exception
    assert not (tmp_path / "out").exists()


def test_evaluate_refuses_it_for_files_and_for_submissions_put_together(posing, tmp_path):
    with pytest.raises(UsageError, match=TAKEN):
        evaluate(posing, output=tmp_path / "out", **QUICK)
    with pytest.raises(UsageError, match=r"svd\.py: its submission is called pca, and so is the baseline .*pca\.py"):
        evaluate(Submission(name="pca", authors=("a",), citation="r", entries=[SVD(rank=1)]), **QUICK)
    assert not (tmp_path / "out").exists()


def test_pytests_contract_of_the_file_says_so_too(posing, request, monkeypatch):
    monkeypatch.setattr(ContractFile, "_guest", lambda self: _Describing())
    (loads,) = ContractFile.from_parent(request.session, path=posing).collect()
    with pytest.raises(pytest.fail.Exception, match=TAKEN):
        loads.runtest()


class _Describing:
    """Stands in for a guest: what it describes is called svd."""

    name = "svd"

    def manifest(self):
        return self

    def close(self):
        pass


def test_a_copy_of_the_methods_file_and_a_baselines_class_keep_their_name(tmp_path):
    shutil.copy(BASELINES / "svd.py", tmp_path / "copied.py")
    require_own_name("svd", tmp_path / "copied.py")
    (record,) = evaluate(SVD(rank=3), output=tmp_path / "out", **QUICK)
    assert record.submission == "svd"


def test_an_edited_copy_may_be_held_against_the_records_of_its_name(posing, tmp_path):
    wanted = {("dyck-20-10/residual.0", 0): frozenset({"Own()"})}
    (unit,) = units_again(Runner(CONFIG, tmp_path), posing, wanted)
    assert unit.manifest.name == "svd"
