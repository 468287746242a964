"""The corpus: packages fetched and checked, functions found, each kept once, and what their characters are."""

import errno
import gzip
import json
import shutil
import sys
import types

import pytest

from simplibench.errors import DamagedFile, UnwritableFile, UsageError
from simplibench.tasks.code import (
    CodeSearchNet,
    Kind,
    Manifest,
    PinnedPackages,
    codesearchnet,
    distinct,
    key,
    load_manifest,
    strata,
)
from simplibench.tasks.code.extract import LARGEST_FILE_BYTES, functions, glob_pattern, sources
from simplibench.tasks.code.fetch import fetch, packages_folder
from simplibench.tasks.code.syntax import parser

ONE = "def one(x):\n    y = x\n    return y"


# The manifest


def test_the_manifest_pins_every_package_of_every_group():
    manifest = load_manifest()
    counts = {group: len(manifest.of((group,))) for group in manifest.groups}
    assert counts["train"] == 12
    assert counts["unseen-project"] == 6
    assert list(counts) == ["train", "unseen-project", "java", "javascript", "go", "c", "cpp", "rust"]
    assert all(package.licence for package in manifest.packages)
    assert len({package.file for package in manifest.packages}) == len(manifest.packages)


def test_a_manifest_with_an_unknown_field_or_a_short_hash_lists_both(tmp_path):
    facts = load_manifest().packages[0].model_dump() | {"sha256": "abc", "colour": "red"}
    file = tmp_path / "packages.json"
    file.write_text(json.dumps({"packages": [facts]}), encoding="utf-8")
    with pytest.raises(DamagedFile, match=r"(?s)packages.json: not a manifest.*0.sha256: .*0.colour: Extra inputs"):
        load_manifest(file)


# Fetching, by the real pip from a folder of the test's own


@pytest.fixture
def index(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return tmp_path / "index"


def no_progress(package):
    pass


def test_a_package_is_fetched_once_and_again_only_when_it_changed(index, package, tmp_path):
    pinned, folder, told = package("alpha", {"a.py": ONE}), tmp_path / "there", []
    assert fetch([pinned], folder, told.append) == 1
    assert fetch([pinned], folder, told.append) == 0
    (folder / pinned.file).write_bytes(b"damaged")
    assert fetch([pinned], folder, told.append) == 1
    assert told == [pinned] * 3
    assert [path.name for path in folder.iterdir()] == [pinned.file]
    assert (folder / pinned.file).read_bytes() == (index / pinned.file).read_bytes()


def test_other_bytes_than_those_pinned_are_refused_with_both_hashes(index, package, tmp_path):
    found = package("alpha", {"a.py": ONE})
    pinned = found.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(
        DamagedFile, match=f"alpha 1.0: expected {pinned.file} with sha256 0{{64}}, found {found.sha256}"
    ):
        fetch([pinned], tmp_path / "there", no_progress)
    assert not list((tmp_path / "there").iterdir())


def test_a_package_the_index_does_not_have_is_named_with_what_pip_said(index, package, tmp_path):
    pinned = package("alpha", {"a.py": ONE})
    (index / pinned.file).unlink()
    with pytest.raises(
        UsageError, match=r"(?s)alpha 1.0: pip could not fetch.*No matching distribution.*what is fetched stays"
    ):
        fetch([pinned], tmp_path / "there", no_progress)


def test_no_space_is_said_before_pip_is_called(package, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 3_000_000))
    with pytest.raises(
        UsageError, match=r"alpha 1.0: no space in .*expected 50.0 MB, found 3.0 MB; make room or let SIMPL"
    ):
        fetch([package("alpha", {"a.py": ONE})], tmp_path / "there", no_progress)


def test_space_that_runs_out_meanwhile_is_said_too(package, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("simplibench.tasks.code.fetch._download", full)
    with pytest.raises(
        UnwritableFile, match=r"alpha-1.0.*: cannot be written \(No space left on device\); make room or"
    ):
        fetch([package("alpha", {"a.py": ONE})], tmp_path / "there", no_progress)
    assert not list((tmp_path / "there").iterdir())


@pytest.mark.network
def test_two_pinned_wheels_come_from_the_package_index(tmp_path):
    small = [package for package in load_manifest().packages if package.name in ("scrapy", "pydantic")]
    assert fetch(small, tmp_path, no_progress) == 2
    found = list(PinnedPackages(Manifest(packages=tuple(small)), tmp_path).functions("unseen-project"))
    assert len(found) > 1_000


# Files of an archive


def test_globs_match_folders_names_and_alternatives():
    assert glob_pattern("**/*.py").fullmatch("a.py")
    assert glob_pattern("**/*.py").fullmatch("a/b/c.py")
    assert not glob_pattern("*.py").fullmatch("a/b.py")
    assert glob_pattern("{core,test}/**/main/*.java").fullmatch("test/x/y/main/A.java")
    assert not glob_pattern("{core,test}/**/*.java").fullmatch("other/A.java")
    assert glob_pattern("a?.c").fullmatch("ab.c")
    assert not glob_pattern("a?.c").fullmatch("a/.c")


@pytest.mark.parametrize("kind", ["pure-wheel", "sdist"])
def test_files_that_are_large_dropped_or_not_utf_8_are_left_out(kind, package, tmp_path):
    files = {
        "a.js": "x\r\ny",
        "lib/b.min.js": "x",
        "tests/c.js": "x",
        "d.js": b"caf\xe9",
        "e.js": b"x" * (LARGEST_FILE_BYTES + 1),
        "f.txt": "x",
    }
    pinned = package("alpha", files, language="javascript", kind=kind)
    selection = pinned.selections[0].model_copy(update={"drop": ("(^|/)tests?/",)})
    assert dict(sources(tmp_path / "index" / pinned.file, selection)) == {"a.js": "x\ny"}


@pytest.mark.parametrize("kind", ["pure-wheel", "sdist"])
@pytest.mark.parametrize("keep", [0, 60])
def test_a_broken_archive_is_named_with_what_to_do(kind, keep, package, tmp_path):
    pinned = package("alpha", {"a.py": ONE * 100}, kind=kind)
    path = tmp_path / "index" / pinned.file
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(
        DamagedFile, match=rf"{pinned.file}: broken archive \(.*\); delete it and give `simplibench data"
    ):
        list(sources(path, pinned.selections[0]))


# Packages as a source


def test_a_missing_package_names_its_group_and_the_command(package, tmp_path):
    alpha, beta = package("alpha", {"a.py": ONE}), package("beta", {}, "java", "java")
    source = PinnedPackages(Manifest(packages=(alpha, beta)), tmp_path / "index")
    (tmp_path / "index" / beta.file).unlink()
    assert source.missing() == {
        "java": "not fetched: beta 1.0; `simplibench data fetch code-python --only java` fetches what it needs"
    }
    assert list(source.functions("train")) == [ONE]
    with pytest.raises(UsageError, match=r"beta 1.0 is not in .*`simplibench data fetch code-python` fetches it"):
        list(source.functions("java"))


def test_a_package_that_changed_is_not_read(package, tmp_path):
    alpha = package("alpha", {"a.py": ONE})
    (tmp_path / "index" / alpha.file).write_bytes(b"changed")
    source = PinnedPackages(Manifest(packages=(alpha,)), tmp_path / "index")
    with pytest.raises(
        DamagedFile, match=f"{alpha.file}: expected sha256 {alpha.sha256}, found [0-9a-f]{{64}}; `simpl"
    ):
        list(source.functions("train"))


def test_packages_lie_in_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SIMPLIBENCH_CACHE", str(tmp_path))
    assert packages_folder() == tmp_path / "packages" == PinnedPackages().folder


# CodeSearchNet's format


@pytest.fixture
def no_library(monkeypatch):
    """Whatever else is installed here."""
    monkeypatch.setattr(codesearchnet, "_has_library", lambda: False)


def test_codesearchnet_files_are_read_from_any_depth_packed_or_not(tmp_path, no_library):
    line = json.dumps({"repo": "a/b", "original_string": "int f() {\r\n}", "language": "java"}) + "\n"
    (tmp_path / "java/final/jsonl/train").mkdir(parents=True)
    with gzip.open(tmp_path / "java/final/jsonl/train/java_train_0.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(line * 2)
    (tmp_path / "java_test_0.jsonl").write_text(line, encoding="utf-8")
    source = CodeSearchNet("java", tmp_path)
    assert dict(source.languages) == {
        "train": "java",
        "unseen-project": "java",
        "python": "python",
        "javascript": "javascript",
        "go": "go",
    }
    assert list(source.functions("train")) == ["int f() {\n}"] * 2
    assert list(source.functions("unseen-project")) == ["int f() {\n}"]
    assert set(source.missing()) == {"python", "javascript", "go"}
    with pytest.raises(UsageError, match=r"no go_test_\*.jsonl\* below .*; unpack the data set's go.zip there"):
        list(source.functions("go"))


def test_groups_without_a_file_come_from_the_library_where_it_is_installed(tmp_path, monkeypatch):
    asked = []

    def load_dataset(name, language, split):
        asked.append((name, language, split))
        return [{"repository_name": "a/b", "whole_func_string": "int f() {\r\n}", "func_code_string": "other"}] * 3

    monkeypatch.setattr(codesearchnet, "_has_library", lambda: True)
    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    (tmp_path / "java_test_0.jsonl").write_text(json.dumps({"original_string": "int g() {\n}"}), encoding="utf-8")
    source = CodeSearchNet("java", tmp_path)
    assert source.missing() == {}
    assert list(source.functions("train")) == ["int f() {\n}"] * 3
    assert list(source.functions("unseen-project")) == ["int g() {\n}"]
    assert len(list(source.functions("go"))) == 3
    assert asked == [
        ("code-search-net/code_search_net", "java", "train"),
        ("code-search-net/code_search_net", "go", "test"),
    ]


def test_a_library_that_does_not_give_the_data_is_told_as_such(tmp_path, monkeypatch):
    monkeypatch.setattr(codesearchnet, "_has_library", lambda: True)
    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=lambda *_, split: [{"x": split}]))
    with pytest.raises(UsageError, match="datasets gave no field whole_func_string of .*, java, train .*KeyError"):
        list(CodeSearchNet("java", tmp_path).functions("train"))


@pytest.mark.parametrize(
    "content", [b'{"original_string": "x"}\n{"code": 1}\n', b'{"original_string": "x"}\n\xff\n', b"{}"]
)
def test_a_codesearchnet_file_of_another_format_is_named_with_its_line(content, tmp_path):
    (tmp_path / "java_train_0.jsonl").write_bytes(content)
    with pytest.raises(DamagedFile, match=r"java_train_0.jsonl, line \d: expected JSON lines with .*, got \w+: "):
        list(CodeSearchNet("java", tmp_path).functions("train"))


# Functions of a file


def test_outermost_python_functions_of_three_lines_keep_their_indentation():
    method = "    async def m(self):\n        def inner():\n            pass\n        return inner"
    text = f"import a\n\nclass C:\n    @staticmethod\n{method}\n\n    def short(self): pass\n\n{ONE}\nx = lambda: 1\n"
    assert list(functions(text, "python")) == [method, ONE]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "java",
            'class A {\n  A() {\n    x();\n  }\n  int f() { return "é"; }\n  int g() {\n    return 1;\n  }\n}',
            ["  A() {\n    x();\n  }", "  int g() {\n    return 1;\n  }"],
        ),
        (
            "javascript",
            "define(function() {\n  A.b = function(x) {\n    return x;\n  };\n  class C {\n    m() {\n      return 1;\n"
            "    }\n  }\n});",
            ["  A.b = function(x) {\n    return x;\n  }", "    m() {\n      return 1;\n    }"],
        ),
        ("go", "package a\n\nfunc (t T) F() {\n\treturn\n}\n", ["func (t T) F() {\n\treturn\n}"]),
        ("c", "static int f(void)\n{\n  return 1;\n}\n", ["static int f(void)\n{\n  return 1;\n}"]),
        ("cpp", "class A {\n  int f() const {\n    return 1;\n  }\n};\n", ["  int f() const {\n    return 1;\n  }"]),
        ("rust", "impl A {\n    fn f(&self) {\n        1;\n    }\n}\n", ["    fn f(&self) {\n        1;\n    }"]),
    ],
)
def test_functions_of_the_other_languages(language, text, expected):
    assert list(functions(text, language)) == expected


def test_only_plain_functions_are_kept_each_once_whatever_the_order():
    texts = ["f( )\n", "f(  )", "g()\t1", "café()", "form\ffeed", "taken()"]
    kept = distinct(texts, taken={key("taken( )"), key("taken()")})
    assert kept == distinct(reversed(texts), taken={key("taken()")})
    assert sorted(kept.values()) == ["f(  )", "g()\t1"]  # the smaller of the two that are the same
    assert list(kept) == sorted(kept)
    assert key("a  b\n c") == key("a b c") != key("a bc")


def test_a_grammar_that_is_not_installed_names_the_extra(monkeypatch):
    parser.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "tree_sitter_go", None)
    with pytest.raises(UsageError, match=r"reading go code needs tree-sitter .*: pip install -e '.\[code\]'"):
        parser("go")


# Strata

LETTERS = {
    Kind.INDENTATION: "i",
    Kind.SPACE: " ",
    Kind.KEYWORD: "k",
    Kind.PUNCTUATION: "p",
    Kind.LITERAL: "l",
    Kind.COMMENT: "c",
    Kind.FIRST: "1",
    Kind.REPEATED: "2",
}

BY_HAND = [
    (
        "python",
        [
            ("    def f(self, a=1.5):", "iiiikkk 1p1111p 1plllpp"),
            ('        """Do', "iiiiiiiilllll"),
            ('          x"""', "iiiiiiiiiillll"),
            ("        # no", "iiiiiiiicccc"),
            ("        if a not in self.b:", "iiiiiiiikk 2 kkk kk 2222p1p"),
            ('            return f"v{a + 1}" or b', "iiiiiiiiiiiikkkkkk lllp2 p lpl kk 2"),
        ],
    ),
    (
        "java",
        [
            ("    @A Foo(int n) {", "iiiip1 111pkkk 1p p"),
            ("        this.n = n; // hm", "iiiiiiiikkkkp2 p 2p ccccc"),
            ("        Foo f = new Foo(null);", "iiiiiiii222 1 p kkk 222pkkkkpp"),
            ("    }", "iiiip"),
        ],
    ),
    (
        "javascript",
        [
            ("  get(x) {", "ii111p1p p"),
            ("    return `a${x}b` + /r+/;", "iiiikkkkkk llpp2pll p llllp"),
            ("  }", "iip"),
        ],
    ),
    (
        "c",
        [
            ("int f(void)", "kkk 1pkkkkp"),
            ("{", "p"),
            ("#define A b + 1", "kkkkkkk 1 1 p l"),
            ("\treturn A + 'x';", "ikkkkkk 2 p lllp"),
            ("}", "p"),
        ],
    ),
]


@pytest.mark.parametrize(("language", "lines"), BY_HAND, ids=[language for language, _ in BY_HAND])
def test_every_character_has_the_kind_seen_by_eye(language, lines):
    text = "\n".join(line for line, _ in lines)
    kinds, _ = strata(text, language, len(text))
    expected = " ".join(marks for _, marks in lines).replace("lllll iii", "lllllliii")  # a newline in a docstring
    assert "".join(LETTERS[Kind(kind)] for kind in kinds) == expected


def test_places_count_the_characters_of_words_and_stop_at_eight():
    text = "def compute_totals(a):\n    return 12 + a"
    _, places = strata(text, "python", 30)
    assert list(places) == [1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8, 8, 8, 0, 1, *[0] * 7, 1, 2, 3]


def test_the_window_is_cut_after_the_whole_function_was_read():
    text = 'def f(a):\n    """' + "x" * 500 + '"""\n    return a'
    kinds, places = strata(text, "python", 256)
    assert len(kinds) == len(places) == 256
    assert set(kinds[14:]) == {Kind.LITERAL}
    assert strata(text, "python", 10_000)[0][:256] == kinds


def test_a_word_cut_by_the_windows_end_is_repeated_if_the_whole_word_is():
    text = "def f(total):\n    return total, totals"
    assert strata(text, "python", 28)[0][25:] == bytes([Kind.REPEATED] * 3)
    assert strata(text, "python", 35)[0][32:] == bytes([Kind.FIRST] * 3)


@pytest.mark.parametrize("language", ["python", "java", "javascript", "go", "c", "cpp", "rust"])
@pytest.mark.parametrize("text", ["", "}{ )( ' \" \\ 1 x x", "def f(:\n\t`", "#if x\n#define"])
def test_text_that_is_no_code_has_strata_all_the_same(language, text):
    kinds, places = strata(text, language, 256)
    assert len(kinds) == len(places) == len(text)
    assert set(kinds) <= set(Kind)
