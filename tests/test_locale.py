"""Nothing depends on the encoding of the terminal: files are UTF-8, and what a terminal lacks is written as an escape."""

import os

import pytest

from simplibench.records import load_all

# A locale of no letters but ASCII, which Python must not mend; where an encoding is left to it, it warns.
PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
STRICT = {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "error::EncodingWarning"}
CODEC = """
name: str = "Łukasz"
def encode(self, state, x): return x
def decode(self, state, code): return code
"""


@pytest.fixture
def plain(simplibench, tmp_path):
    def run(*arguments):
        finished = simplibench(*arguments, cwd=tmp_path, env=os.environ | PLAIN | STRICT)
        assert finished.returncode == 0, finished.stderr
        assert "Traceback" not in finished.stderr
        return finished.stdout

    return run


def test_what_there_is_is_listed(plain):
    assert "dyck-20-10/attention.1" in plain("list")
    assert "svd" in plain("info", "svd")


def test_authors_of_any_letters_are_recorded_and_shown(plain, submission_file, tmp_path):
    file = submission_file(CODEC, name="zoe", file="métode.py")
    file.write_text(file.read_text(encoding="utf-8").replace("('a',)", "('Zoë Łukasz',)"), encoding="utf-8")
    shown = plain("run", file, "--limit", 2, "--arena", "attention.1", "--seed", 0, "--output", "out")
    assert r"\u0141ukasz" in shown
    (stored,) = load_all(tmp_path / "out")
    assert (stored.record.authors, stored.record.entry) == (("Zoë Łukasz",), "Own(name='Łukasz')")
    assert r"Zo\xeb \u0141ukasz" in plain("report", "zoe", "--records", "out")
    plain("report", "zoe", "--records", "out", "--output", "report.md")
    assert "Zoë Łukasz" in (tmp_path / "report.md").read_text(encoding="utf-8")
