"""Submissions of several files: what lies beside one can be imported, belongs to its hash, and reaches nobody else."""

import hashlib
import sys
import types
from collections import Counter

import pytest

from simplibench import evaluate, load_submission
from simplibench.audit import records as audit_records
from simplibench.audit.records import RecordHeader
from simplibench.cli import report as report_command
from simplibench.cli.check import check as check_command
from simplibench.errors import UsageError
from simplibench.guest import Guest
from simplibench.methods import source_sha256
from simplibench.records import load_all
from simplibench.registry import BASELINES, MethodFile, all_methods

COLUMN = 64  # bits a token of one coordinate: a query's and a key's
QUICK = {"arenas": ["attention.1"], "seeds": [0], "limit": 2, "device": "cpu"}
KEPT = """
from torch import Tensor, nn
from simplibench import Codec, Submission
{imports}

class Kept(Codec):
    def encode(self, state, x):
        {late}
        return x[:, : {kept}]

    def decode(self, state, code):
        return nn.functional.pad(code, (0, 32 - code.shape[1]))

submission = Submission(name="with-helper", authors=("me",), citation="none", entries=[Kept()])
"""


def write(folder, imports="from my_helper import keep", kept="keep()", late="", **beside):
    """A submission and what lies beside it, by the names of modules; `_` for a dot, `pkg_` for the package itself."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in beside.items():
        path = folder / PLACES.get(name, f"{name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    path = folder / "with_helper.py"
    path.write_text(KEPT.format(imports=imports, kept=kept, late=late), encoding="utf-8")
    return path


PLACES = {"pkg_": "pkg/__init__.py", "pkg_part": "pkg/part.py", "init": "__init__.py"}


def keeping(number):
    return f"def keep(): return {number}"


def rate(path, folder, in_process=True):
    """Bits a token of the submission's only entry: what it keeps tells which helper it was given."""
    (record,) = evaluate(path, output=folder, in_process=in_process, **QUICK)
    assert record.status == "ok", record.reason
    return record.bits_per_token


@pytest.fixture(autouse=True)
def untouched(monkeypatch):
    """Whatever a submission imports, the process is left as it was."""
    path, finders = list(sys.path), list(sys.meta_path)
    yield
    monkeypatch.undo()
    assert (sys.path, sys.meta_path) == (path, finders)
    assert not {"my_helper", "pkg", "pkg.part"} & sys.modules.keys()


# Which files are a submission's

REACHED = {
    "import": ("import my_helper", "my_helper.keep()", {"my_helper": keeping(4)}, "my_helper"),
    "from": ("from my_helper import keep", "keep()", {"my_helper": keeping(4)}, "my_helper"),
    "within a function": ("", "keep()", {"my_helper": keeping(4)}, "my_helper"),
    "through another": ("import a", "a.keep()", {"a": "from b import keep", "b": keeping(4)}, "b"),
    "a package": ("import pkg", "pkg.keep()", {"pkg_": keeping(4)}, "pkg_"),
    "a module of a package": (
        "from pkg import part",
        "part.keep()",
        {"pkg_": "", "pkg_part": keeping(4)},
        "pkg_part",
    ),
    "relative": (
        "from pkg import keep",
        "keep()",
        {"pkg_": "from .part import keep", "pkg_part": keeping(4)},
        "pkg_part",
    ),
    "a folder without __init__": ("import pkg.part", "pkg.part.keep()", {"pkg_part": keeping(4)}, "pkg_part"),
}


@pytest.mark.parametrize("case", REACHED)
def test_a_module_beside_the_file_is_imported_and_belongs_to_the_hash(case, tmp_path):
    imports, kept, files, edited = REACHED[case]
    late = "from my_helper import keep" if case == "within a function" else ""
    path = write(tmp_path / "a folder", imports, kept, late, **files)
    before = source_sha256(path)
    assert before != hashlib.sha256(path.read_bytes()).hexdigest()
    assert rate(path, tmp_path / "out") == COLUMN * 4
    write(tmp_path / "a folder", imports, kept, late, **files | {edited: keeping(5)})
    assert source_sha256(path) != before
    assert rate(path, tmp_path / "out") == COLUMN * 5, "an edit within a second, of the same length, must be seen"


def test_a_file_that_imports_nothing_beside_it_has_the_hash_of_its_bytes(tmp_path):
    write(tmp_path, "import torch, json, simplibench", "4", my_helper=keeping(4), torch="", json="", simplibench="")
    alone = [
        tmp_path / "with_helper.py",
        *(file.path for name, file in all_methods().items() if name != "untrained-occlusion"),
    ]
    for path in alone:
        assert source_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_hash_is_of_the_names_and_hashes_of_all_files(tmp_path):
    path = write(tmp_path, my_helper=keeping(4))
    hashes = {
        name: hashlib.sha256(file.read_bytes()).hexdigest()
        for name, file in {"": path, "my_helper": tmp_path / "my_helper.py"}.items()
    }
    expected = "".join(f"{name} {hashes[name]}\n" for name in sorted(hashes))
    assert source_sha256(path) == hashlib.sha256(expected.encode()).hexdigest()


def test_a_baseline_that_is_imported_belongs_to_the_hash_wherever_the_file_lies(tmp_path):
    path = BASELINES / "untrained_occlusion.py"
    (tmp_path / "copied.py").write_bytes(path.read_bytes())
    assert source_sha256(path) == source_sha256(tmp_path / "copied.py") != hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_cannot_be_read_as_python_has_the_hash_of_its_bytes(tmp_path):
    for text in (b"import my_helper\ndef f(:", b"import my_helper\0", b"\xff\xfe"):
        (tmp_path / "broken.py").write_bytes(text)
        assert source_sha256(tmp_path / "broken.py") == hashlib.sha256(text).hexdigest()


# Where they are imported, and where not


def test_a_guest_imports_what_lies_beside_its_file(tmp_path):
    path = write(tmp_path, late="from my_helper import keep", my_helper=keeping(4))
    assert rate(path, tmp_path / "out", in_process=False) == COLUMN * 4


def test_helpers_of_one_name_in_two_folders_are_each_submissions_own(tmp_path):
    late = "from my_helper import keep"
    one, two = (write(tmp_path / name, late=late, my_helper=keeping(n)) for name, n in (("one", 4), ("two", 5)))
    two.write_text(two.read_text(encoding="utf-8").replace("with-helper", "with-another"), encoding="utf-8")
    first, second = evaluate([one, two], output=tmp_path / "out", in_process=True, **QUICK)
    assert [first.bits_per_token, second.bits_per_token] == [COLUMN * 4, COLUMN * 5]


def test_a_module_of_that_name_that_the_process_has_is_neither_used_nor_lost(tmp_path, monkeypatch):
    theirs = types.ModuleType("my_helper")
    monkeypatch.setitem(sys.modules, "my_helper", theirs)
    assert rate(write(tmp_path, my_helper=keeping(4)), tmp_path / "out") == COLUMN * 4
    assert sys.modules.pop("my_helper") is theirs


@pytest.mark.parametrize("name", ["json", "torch", "signal", "select", "simplibench", "sklearn"])
def test_a_file_beside_it_takes_no_librarys_place(name, tmp_path, server):
    path = write(tmp_path, f"import {name}", "4", **{name: "raise SystemExit('not the library')"})
    load_submission(path)
    guest = Guest(server, path, "cpu")
    assert guest.manifest().name == "with-helper"
    guest.close()


def test_a_file_that_is_called_like_the_library_it_imports_imports_the_library(tmp_path):
    (tmp_path / "tabulate.py").write_text(
        KEPT.format(imports="from tabulate import tabulate", late="", kept="4"), encoding="utf-8"
    )
    assert load_submission(tmp_path / "tabulate.py").name == "with-helper"


def test_a_class_of_a_package_may_import_relatively(tmp_path, monkeypatch):
    path = write(tmp_path / "pkg", "from .part import keep\nimport pkg.part", part=keeping(4), init="")
    monkeypatch.syspath_prepend(tmp_path)
    from pkg.with_helper import Kept

    before = source_sha256(path)
    for in_process in (False, True):
        (record,) = evaluate(Kept, output=tmp_path / "out", in_process=in_process, **QUICK)
        assert (record.bits_per_token, record.source_sha256) == (COLUMN * 4, before)
    for name in ("pkg", "pkg.part", "pkg.with_helper"):
        del sys.modules[name]
    (tmp_path / "pkg" / "part.py").write_text(keeping(5), encoding="utf-8")
    assert source_sha256(path) != before


# What the hash would miss

DYNAMIC = {
    "importlib": "import importlib\nkeep = importlib.import_module('my_helper').keep",
    "sys.path": "import sys, importlib\nsys.path.insert(0, HERE)\nkeep = importlib.import_module('my_helper').keep",
    "a spec": "spec = util.spec_from_file_location('h', HERE + '/my_helper.py')\nh = util.module_from_spec(spec)\n"
    "spec.loader.exec_module(h)",
    "a spec's function": "spec = util.spec_from_file_location('h', HERE + '/my_helper.py')\n"
    "keep = (lambda m: (spec.loader.exec_module(m), m.keep)[1])(util.module_from_spec(spec))",
    "runpy": "import runpy\nkeep = runpy.run_path(HERE + '/my_helper.py')['keep']",
    "a baseline": "import importlib\nkeep = importlib.import_module('simplibench.baselines.last_token')",
}


@pytest.mark.parametrize("case", DYNAMIC)
def test_what_is_loaded_without_an_import_statement_is_refused_in_words(case, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "simplibench.baselines.last_token", raising=False)
    head = "from importlib import util\nfrom pathlib import Path\nHERE = str(Path(__file__).parent)\n"
    path = write(tmp_path, head + DYNAMIC[case], "keep()", my_helper=keeping(4))
    module = "simplibench.baselines.last_token" if case == "a baseline" else "my_helper"
    with pytest.raises(UsageError, match=rf"with_helper\.py(:\d+)?: .*lies beside it.*hash.*`import {module}`"):
        load_submission(path)
    sys.modules.pop("my_helper", None)


@pytest.mark.parametrize("folder", [".venv/lib/python3.11/site-packages", "src"])
def test_a_library_installed_within_the_folder_is_a_library(folder, tmp_path, monkeypatch):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "their_library.py").write_text(keeping(4), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / folder)
    path = write(tmp_path, "from their_library import keep")
    load_submission(path)
    assert source_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    sys.modules.pop("their_library", None)


def test_a_module_that_is_nowhere_and_a_relative_import_of_no_package_are_told(tmp_path):
    with pytest.raises(
        UsageError, match=r"with_helper\.py:4: needs the package my_helper, .*, nor a module beside it;"
    ):
        load_submission(write(tmp_path))
    with pytest.raises(
        UsageError, match=r"with_helper\.py:4: .*but the file lies in no package;.*`from my_helper import \.\.\.`"
    ):
        load_submission(write(tmp_path, "from .my_helper import keep", my_helper=keeping(4)))


def test_a_mistake_in_a_helper_is_told_with_the_helpers_line(tmp_path):
    with pytest.raises(UsageError, match=r"my_helper\.py:2: syntax error"):
        load_submission(write(tmp_path, my_helper="\ndef f(:"))
    with pytest.raises(UsageError, match=r"with_helper\.py:4: raised ZeroDivisionError"):
        load_submission(write(tmp_path, my_helper="1 / 0"))


# An edited helper makes old records invalid


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """A registered submission, its records, and then an edit of its helper alone."""
    path = write(tmp_path, my_helper=keeping(4))
    evaluate(path, output=tmp_path / "out", in_process=True, **QUICK)
    (tmp_path / "my_helper.py").write_text(keeping(5), encoding="utf-8")
    methods = {"with-helper": MethodFile("with-helper", "submission", path)}
    for module in (audit_records, report_command):
        monkeypatch.setattr(module, "all_methods", lambda: methods)
    return path


def test_a_run_makes_the_record_anew(edited, tmp_path):
    (stored,) = load_all(tmp_path / "out")
    assert stored.record.bits_per_token == COLUMN * 4
    assert rate(edited, tmp_path / "out") == COLUMN * 5


def test_verify_calls_the_record_outdated(edited, tmp_path):
    counted = Counter()
    ((text, _),) = audit_records.outdated_sources(list(map(RecordHeader.of, load_all(tmp_path / "out"))), counted)
    assert "the file was changed, so the record is outdated" in text
    assert counted[audit_records.CHANGED] == 1


def test_report_says_that_the_file_has_changed(edited, tmp_path, capsys):
    report_command.write_report("with-helper", [tmp_path / "out"], None, "md")
    assert "has changed: it has sha256 " + source_sha256(edited) in capsys.readouterr().out.replace("\\", "")


def test_check_says_that_it_is_another_version(edited, tmp_path, capsys):
    import typer

    with pytest.raises(typer.Exit):
        check_command(str(edited), tmp_path / "out", limit=2, device="cpu", in_process=True)
    assert "another version of its file than the recorded one" in capsys.readouterr().out


def test_objects_carry_the_hash_of_all_their_files_too(tmp_path, monkeypatch):
    path = write(tmp_path, my_helper=keeping(4))
    kind = type(load_submission(path).entries[0])
    (record,) = evaluate(kind, output=tmp_path / "out", in_process=True, **QUICK)
    assert record.source_sha256 == source_sha256(path)
