"""The pytest plugin: what a suite of one's own may ask of a proxy, and the contract as tests."""

import subprocess
import sys
import tomllib

import pytest

from simplibench import evaluate
from simplibench.records import CodecRecord, Counts, GroundCounts, load, save
from simplibench.registry import BASELINES

pytest_plugins = "pytester"

ROOT = BASELINES.parent
HEAD = "import torch\nfrom simplibench import Codec, Submission\n\nclass Own(Codec):\n    k: int\n"
END = "\nsubmission = Submission(name='own', authors=('a',), citation='r', entries=[{entries}])\n"
IDENTITY = ("def encode(self, state, x): return x", "def decode(self, state, code): return code")
WORSE = (
    "def encode(self, state, x): return torch.cat([x, x], 1)",
    "def decode(self, state, code): return code[:, :32] * 0",
)
BROKEN = (
    "def encode(self, state, x):",
    "    if self.k == 3: raise ArithmeticError('no')",
    "    return x - x.mean(0) if self.k == 2 else x",
    "def decode(self, state, code): return code",
)


def write(folder, body, entries="Own(k=1), Own(k=2)"):
    text = HEAD + "".join(f"    {line}\n" for line in body) + END.format(entries=entries)
    (folder / "own.py").write_text(text, encoding="utf-8")
    return folder / "own.py"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    options = {"arenas": ["residual.0"], "seeds": [0], "limit": 8, "in_process": True, "device": "cpu"}
    evaluate(write(folder, IDENTITY), **options, output=folder / "out")
    return folder / "out"


@pytest.fixture
def suite(pytester, monkeypatch):
    """Runs a suite of somebody's with the plugin, loaded by name as an installed one is by its entry point."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)  # this test may run in a worker, their suite does not
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # of this checkout, and not of what is installed

    def run(*arguments, text=None):
        if text is not None:
            pytester.makepyfile(test_theirs=text)
        return pytester.runpytest_inprocess(
            "-p", "simplibench.plugin", "-p", "no:cacheprovider", "-W", "error", *arguments
        )

    return run


def asks(*calls, record, entry=None):
    """A suite that asks these of own.py, a test each."""
    where = f"arena='dyck-20-10/residual.0', seed=0, entry={entry!r}, sentences=4, in_process=True"
    tests = (f"def test_{n}(proxy):\n    proxy('own.py', {where}).{call}\n" for n, call in enumerate(calls))
    return f"record = {str(record)!r}\n" + "\n".join(tests)


def test_the_project_names_the_plugin_as_an_entry_point_of_pytest():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"simplibench": "simplibench.plugin"}


def test_unused_the_plugin_loads_neither_torch_nor_numpy():
    code = "import sys, simplibench.plugin; print([n for n in sys.modules if n in ('torch', 'numpy', 'pydantic', 'typer')])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert finished.stdout.strip() == "[]"


def test_a_suite_that_asks_nothing_is_as_without_the_plugin(suite):
    suite(text="def test_nothing(): pass").assert_outcomes(passed=1)


def test_an_unchanged_proxy_keeps_every_word(suite, pytester, recorded):
    write(pytester.path, IDENTITY)
    words = (
        "must_be_as_faithful_as(record, floor=1).must_be_as_cheap_as(record)",
        "must_be_as_fast_as(record, factor=50)",
    )
    suite(text=asks(*words, record=recorded)).assert_outcomes(passed=2)


def test_a_worse_proxy_fails_with_what_got_worse_and_no_traceback(suite, pytester, recorded):
    write(pytester.path, WORSE, "Own(k=1)")
    words = (
        "must_be_as_faithful_as(record)",
        "must_be_as_cheap_as(record)",
        "must_be_as_faithful_as(record, tolerance=9, floor={'iid': 0.9})",
    )
    result = suite(text=asks(*words, record=recorded))
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "own.py in dyck-20-10/residual.0 on reference 0 got worse:",
            "  Own(k=1): faithfulness on iid fell from 1.000 to *",
            "  Own(k=2): the submission has no such entry any more",
            "*test_1*",
            "  Own(k=1): the rate rose from 1024.00 to 2048.00 bits a token",
            "*test_2*",
            "  Own(k=1): faithfulness on iid is *, below 0.9",
        ]
    )
    result.stdout.no_fnmatch_line("*proxies.py*")


def slow(recorded, folder):
    """The records elsewhere, as of a machine on which proxies took no time."""
    for path in recorded.rglob("*.json"):
        stored = load(path)
        values = stored.record.model_dump(exclude={"sha256"})
        values["runtime"] |= {name: 1e-6 for name in values["runtime"] if name.startswith("forward_ratio")}
        save(folder, CodecRecord.sealed(**values), stored.counts(Counts), stored.ground(GroundCounts))
    return folder


def test_a_slower_proxy_fails(suite, pytester, recorded, tmp_path):
    write(pytester.path, IDENTITY)
    words = ("must_be_as_fast_as(record)",)
    result = suite(text=asks(*words, record=slow(recorded, tmp_path / "slow"), entry="Own(k=1)"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["  Own(k=1): the runtime grew from 0.00 (*) times the reference's, beyond the factor 2"]
    )


def test_pytest_benchmark_times_the_forward_pass_and_keeps_the_ratio(suite, pytester, recorded):
    write(pytester.path, IDENTITY)
    text = asks("must_be_as_fast_as(record, factor=50, benchmark=benchmark)", record=recorded, entry="Own(k=2)")
    saved = pytester.path / "times.json"
    result = suite(
        "-p", "pytest_benchmark.plugin", f"--benchmark-json={saved}", text=text.replace("(proxy)", "(proxy, benchmark)")
    )
    result.assert_outcomes(passed=1)
    assert '"rounds": 5' in saved.read_text(encoding="utf-8")
    assert '"forward_ratio": ' in saved.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("proxy('none.py', arena='dyck-20-10/residual.0')", "none.py: no such file; *"),
        ("proxy('own.py', arena='residual.0')", "arena must name its task too, such as dyck-20-10/attention.1, got *"),
        ("proxy('own.py', arena='dyck-20-10/residual.9')", "dyck-20-10 has no arena residual.9; there are: *"),
        (
            "proxy('own.py', arena='dyck-20-10/residual.0', in_process=True).must_be_as_faithful_as()",
            "no record of own in the committed records or results/; `simplibench run own.py` makes them",
        ),
        (
            "proxy('own.py', arena='dyck-20-10/residual.0', in_process=True, entry='Own(k=7)').must_be_as_cheap_as(record)",
            "no record of Own(k=7) of own.py; *",
        ),
        (
            "proxy('own.py', arena='dyck-20-10/residual.0', in_process=True, sentences=2)"
            ".must_be_as_faithful_as(record, floor={'there': 1})",
            "floor: dyck-20-10/residual.0 has no split there; there are: iid, *",
        ),
    ],
)
def test_what_is_asked_wrongly_fails_with_its_text(call, text, suite, pytester, recorded):
    write(pytester.path, IDENTITY)
    result = suite(text=f"record = {str(recorded)!r}\ndef test_it(proxy):\n    {call}\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([text])


def test_the_contract_runs_as_tests_with_readable_names_and_pytest_never_imports_the_file(suite, pytester):
    file = write(pytester.path, BROKEN, "Own(k=1), Own(k=2), Own(k=3)")
    file.write_text(file.read_text(encoding="utf-8") + "\ndef test_of_its_own(): raise SystemExit\n", encoding="utf-8")
    pytester.makepyfile(test_other="def test_other(): raise AssertionError('not asked for')")
    result = suite("--simplibench", "own.py", "-v", "-rs")
    lines = result.stdout.lines
    assert any("own.py::loads, and puts forward a submission PASSED" in line for line in lines)
    for method, promise, outcomes in [
        ("fit", "a usable result", ["PASSED", "PASSED", "PASSED"]),
        ("fit", "the same state under the same seed", ["PASSED", "PASSED", "PASSED"]),
        ("encode", "a usable result", ["PASSED", "PASSED", "FAILED"]),
        ("encode", "rows independent of each other", ["PASSED", "FAILED", "SKIPPED"]),
        ("decode", "a usable result", ["PASSED", "PASSED", "SKIPPED"]),
    ]:
        names = [f"own.py::Own(k={k})::{method}: {promise} {outcome}" for k, outcome in enumerate(outcomes, start=1)]
        assert all(any(line.startswith(name) for line in lines) for name in names), (names, lines)
    result.stdout.fnmatch_lines(
        [
            "Own(k=2), encode: expected rows independent of each other, got other results without the other rows",
            "Own(k=3), encode: expected a result, got ArithmeticError at own.py:*: no",
        ]
    )
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 2
    assert outcomes["skipped"] == 8  # of the third entry: three of encode, five of decode
    assert outcomes["passed"] == 1 + 3 * 15 - 2 - 8


def test_an_explainer_is_tried_under_its_own_contract(suite, pytester):
    (pytester.path / "even.py").write_text(
        "import torch\nfrom simplibench import Explainer, Submission\n\nclass Even(Explainer):\n"
        "    def explain(self, model, tokens, positions):\n"
        "        return (torch.arange(tokens.shape[1]) <= positions[:, None]).float()\n"
        "\nsubmission = Submission(name='even', authors=('a',), citation='r', entries=[Even()])\n",
        encoding="utf-8",
    )
    result = suite("--simplibench", "even.py", "-v")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["even.py::Even()::explain: attributions that do not depend on padding PASSED*"])


def test_an_unusable_file_is_one_failed_test_and_paths_beside_it_are_run(suite, pytester):
    (pytester.path / "own.py").write_text("submission = 3\n", encoding="utf-8")
    result = suite("--simplibench", "own.py", "test_theirs.py", text="def test_nothing(): pass")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*own.py: expected `submission = Submission(...)` at the top level, got a int"])


def test_a_submission_that_does_not_exist_is_a_usage_error(suite):
    result = suite("--simplibench", "none.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --simplibench: none.py: no such file; *"])


def test_a_submission_that_imports_a_module_beside_it_is_tried_like_any_other(suite, pytester):
    (pytester.path / "my_helper.py").write_text("def kept(x): return x[:, :4]\n", encoding="utf-8")
    body = ("def encode(self, state, x):", "    from my_helper import kept", "    return kept(x)")
    decode = "def decode(self, state, code): return torch.nn.functional.pad(code, (0, self.k))"
    file = write(pytester.path, (*body, decode), "Own(k=28)")
    result = suite("--simplibench", str(file), "-v", "-k", "encode")
    assert result.parseoutcomes() == {"passed": 4, "deselected": 12}
