"""What a record says about where it was made."""

import subprocess

import pytest
import torch

from simplibench.records import Environment
from simplibench.records.environment import environment, state


@pytest.fixture
def repository(tmp_path):
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "code.py").write_text("a = 1\n", encoding="utf-8")
    (tmp_path / "leaderboard.md").write_text("old\n", encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    state.cache_clear()
    yield tmp_path
    state.cache_clear()


def test_the_environment_names_build_device_and_threads():
    found = environment("cpu", in_process=False)
    assert found.torch_build.startswith(torch.__version__)
    assert (found.device, found.threads) == ("cpu", torch.get_num_threads())
    assert found.packages["torch"]


def test_a_checkout_is_clean_while_only_pages_and_untracked_files_differ(repository):
    (repository / "leaderboard.md").write_text("new\n", encoding="utf-8")
    (repository / "mine.py").write_text("", encoding="utf-8")
    commit, clean = state(repository)
    assert len(commit) == 40
    assert clean is True


def test_a_checkout_with_changed_code_is_not_clean(repository):
    (repository / "code.py").write_text("a = 2\n", encoding="utf-8")
    assert state(repository)[1] is False


def test_without_a_repository_nothing_is_said_and_the_record_leaves_it_out(tmp_path):
    assert state(tmp_path) == (None, None)
    known = environment("cpu", in_process=False).model_dump()
    old = Environment.model_validate({k: v for k, v in known.items() if k not in ("torch_build", "commit", "clean")})
    assert not {"torch_build", "commit", "clean"} & set(old.model_dump(mode="json"))


def test_a_package_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr("simplibench.records.environment.PACKAGES", ("numpy", "no-such-package"))
    assert list(environment("cpu", in_process=True).packages) == ["numpy"]
