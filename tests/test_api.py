"""Python: methods given as objects are run from their files; results become tables and charts."""

import hashlib
import subprocess
import sys
import types

import pytest
import run_kit
from pydantic import BaseModel
from test_board import GOOD, POOR, simulated

from simplibench import Codec, Results, Submission, evaluate, load_submission
from simplibench.baselines.constant import Constant
from simplibench.baselines.one_hot_attention import OneHotAttention
from simplibench.baselines.svd import SVD
from simplibench.baselines.token_occlusion import TokenOcclusion
from simplibench.errors import UsageError
from simplibench.methods import MethodSpec, load_spec, select
from simplibench.records import COMMITTED, CodecRecord, load, load_all
from simplibench.registry import BASELINES

QUICK = {"arenas": ["attention.1"], "seeds": [0], "limit": 2, "device": "cpu"}


def planned(*methods, tasks=None, arenas=None):
    return run_kit.planned(methods, tasks, arenas, seeds=[0])


# Objects and their files


def test_an_instance_is_an_entry_of_its_files_submission():
    (found,) = select([SVD(rank=3)])
    assert (found.file, found.name, found.citation) == (
        BASELINES / "svd.py",
        "svd",
        "https://arxiv.org/abs/2312.03656",
    )
    assert [pick.model_dump() for pick in found.entries] == [{"method": "SVD", "fields": {"rank": 3}}]
    assert load_spec(found).entries[0].label == "SVD(rank=3)"


def test_instances_of_one_file_are_one_submission_and_names_and_files_stay_in_their_place():
    found = select(["pca", SVD(rank=3), "own.py", OneHotAttention, SVD(rank=5), SVD(rank=3)])
    assert [one if isinstance(one, str) else one.name for one in found] == ["pca", "svd", "own.py", "one-hot-attention"]
    assert [pick.fields for pick in found[1].entries] == [{"rank": 3}, {"rank": 5}]


def test_a_control_stays_a_control():
    assert select([Constant()])[0].control


def test_a_class_is_taken_with_the_defaults_of_its_fields():
    assert select([OneHotAttention])[0].entries[0].fields == OneHotAttention().fields()


def test_a_class_whose_fields_have_no_default_is_refused_naming_them():
    with pytest.raises(UsageError, match=r"SVD has fields without a default: rank; give an instance, SVD\(rank=...\)"):
        select([SVD])


def test_an_abstract_class_and_what_is_no_method_are_refused():
    with pytest.raises(UsageError, match="Codec: Can't instantiate abstract class"):
        select([Codec])
    for wrong in (3, int, BaseModel):
        with pytest.raises(UsageError, match="a method must be a name, a file, a codec or explainer, its class, or a"):
            select([wrong])


def test_a_submission_of_a_file_is_that_file_and_one_put_together_keeps_its_own_name(tmp_path):
    path = BASELINES / "pca.py"
    loaded = load_submission(path)
    assert select([loaded]) == [path]
    (found,) = select([Submission(name="three", authors=("b",), citation="r", entries=[SVD(rank=3), SVD(rank=6)])])
    assert (found.file, found.name, found.authors, len(found.entries)) == (BASELINES / "svd.py", "three", ("b",), 2)


def test_a_submission_of_entries_from_several_files_is_refused():
    with pytest.raises(UsageError, match="must be defined in one file, got .*one_hot_attention.py, .*svd.py"):
        select([Submission(name="two", authors=("b",), citation="r", entries=[SVD(rank=3), OneHotAttention()])])


def test_a_class_without_a_submission_in_its_file_is_called_by_its_own_name(module_file, identity_body):
    module = module_file("OwnIdentity", identity_body)
    (found,) = select([module.OwnIdentity])
    assert (found.name, found.authors, found.control) == ("own-identity", ("not stated",), False)


def test_a_class_of_a_notebook_or_of_a_function_is_refused_saying_what_to_do(monkeypatch):
    notebook = types.ModuleType("notebook")
    monkeypatch.setitem(sys.modules, "notebook", notebook)
    notebook.Own = type("Own", (OneHotAttention,), {"__module__": "notebook"})
    with pytest.raises(UsageError, match="Own cannot be run .* defined in a notebook or an interpreter; .*%%writefile"):
        select([notebook.Own])

    class Local(OneHotAttention):
        pass

    with pytest.raises(UsageError, match="Local cannot be run .* it was defined in a function, or"):
        select([Local()])


def test_a_class_of_a_file_that_was_loaded_anew_is_refused(submission_file, identity_body):
    path = submission_file(identity_body)
    before = load_submission(path).entries[0]
    load_submission(path)
    with pytest.raises(UsageError, match="or the file was loaded anew"):
        select([before])


def test_fields_that_do_not_survive_json_are_refused(module_file):
    body = "key: object = None\ndef encode(self, state, x): return x\ndef decode(self, state, code): return code"
    module = module_file("Odd", body)
    with pytest.raises(UsageError, match="its fields, as plain JSON values, must make it again"):
        select([module.Odd(key=frozenset({1}))])


def test_a_class_that_its_file_no_longer_has_is_named():
    selection = MethodSpec(
        file=BASELINES / "svd.py",
        name="svd",
        authors=("a",),
        citation="r",
        control=False,
        entries=[{"method": "PCA", "fields": {}}],
    )
    with pytest.raises(UsageError, match=r"svd.py: expected a class PCA of a method at the top level, got nothing"):
        load_spec(selection)
    wrong = selection.model_copy(update={"entries": select([SVD(rank=1)])[0].entries[0:0]})
    with pytest.raises(UsageError, match="Submission.entries"):
        load_spec(wrong)
    bad = MethodSpec(**selection.model_dump(exclude={"entries"}), entries=[{"method": "SVD", "fields": {"rank": -1}}])
    with pytest.raises(UsageError, match=r"svd.py: SVD.rank: Input should be greater than 0, got -1"):
        load_spec(bad)


def test_a_file_that_evaluates_while_it_is_loaded_is_told_where_to_put_the_call(tmp_path):
    path = tmp_path / "eager.py"
    path.write_text("from simplibench import evaluate\n\nevaluate('svd')\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r'eager.py:3: .* put it under `if __name__ == "__main__":`'):
        load_submission(path)


@pytest.fixture
def module_file(tmp_path, monkeypatch):
    """Writes and imports a module with one codec class and no submission."""

    def write(name: str, body: str):
        indented = "\n".join("    " + line for line in body.strip("\n").splitlines())
        (tmp_path / "own_methods.py").write_text(
            f"from simplibench import Codec\n\n\nclass {name}(Codec):\n{indented}\n", encoding="utf-8"
        )
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "own_methods", raising=False)
        import own_methods

        return own_methods

    return write


# Tasks


def test_several_tasks_may_be_asked_for(task):
    units = planned(select([SVD(rank=3)])[0], tasks=["dyck-20-10", "dyck-2-4"], arenas=["attention.1"])
    assert [unit.arena_name for unit in units] == ["dyck-20-10/attention.1", "dyck-2-4/attention.1"]
    assert [unit.arena_name for unit in planned("svd", tasks="dyck-20-10", arenas=["residual.0"])] == [
        "dyck-20-10/residual.0"
    ]
    assert {unit.task for unit in planned("svd")} == {task}


def test_a_task_that_nothing_can_run_on_is_named():
    occlusion = select([TokenOcclusion()])[0]
    with pytest.raises(UsageError, match="nothing to run on dyck-20-10: no method has an entry for an arena asked for"):
        planned(occlusion, tasks=["dyck-2-4", "dyck-20-10"])
    with pytest.raises(UsageError, match="no task dyck; there are"):
        planned("svd", tasks=["dyck"])


# A run


def test_objects_are_scored_from_their_file_and_the_record_has_its_hash(submission_file, identity_body, tmp_path):
    path = submission_file("rank: PositiveInt = 2\n" + identity_body, entries="[Own(rank=1), Own(rank=2)]")
    kind = type(load_submission(path).entries[0])
    made = evaluate(kind, tasks="dyck-20-10", output=tmp_path / "out", **QUICK)
    (record,) = made
    assert (record.entry, record.submission, record.status) == ("Own(rank=2)", "own", "ok")
    assert record.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not record.in_process
    assert all(split.agreement == 1 for split in record.splits.values())
    again = evaluate([kind(rank=1), kind(rank=2)], in_process=True, output=tmp_path / "out", **QUICK)
    assert [one.in_process for one in again] == [True, True]
    assert {one.source_sha256 for one in again} == {record.source_sha256}


# Results


@pytest.fixture
def results(tmp_path):
    simulated(tmp_path, "good", GOOD, fields={"rank": 4})
    simulated(tmp_path, "poor", POOR, bits=16.0, seeds=(0, 1))
    simulated(tmp_path, "poor", POOR, entry="F(by='a|b')", seeds=(0,), status="failed", reason="fit: no\nresult")
    return Results(load_all(tmp_path))


def test_results_are_the_records_in_order(results):
    assert len(results) == 6
    assert results[0].submission == "good"
    assert (results[-1].submission, results[-1].status) == ("poor", "failed")
    assert [record.seed for record in results[:3]] == [0, 1, 2]
    assert isinstance(results[:3], Results)
    assert all(isinstance(record, CodecRecord) for record in results)
    assert repr(results) == "<6 records of toy/attention.0, 1 failed>"
    assert repr(Results([])) == "<0 records of no arena, 0 failed>"


def test_the_data_frame_has_a_row_an_entry_arena_reference_and_split(results):
    frame = results.to_dataframe()
    good = frame[frame.status == "ok"]
    assert len(good) == 5 * 3
    assert not good.duplicated(["arena", "submission", "entry", "seed", "split"]).any()
    row = good[(good.submission == "good") & (good.seed == 1) & (good.split == "far")].iloc[0]
    record = results[1]
    assert row.faithfulness == record.splits["far"].faithfulness
    assert (row.role, row.bits_per_token, row.split_bits_per_token) == ("ood", 64.0, 64.0)
    assert (row["fields.rank"], row["runtime.forward_ratio"], row.authors) == (4, 1.5, "a")


def test_a_failed_entry_is_one_row_of_the_data_frame_with_its_reason(results):
    frame = results.to_dataframe()
    (failed,) = frame[frame.status == "failed"].itertuples()
    assert (failed.reason, failed.entry) == ("fit: no\nresult", "F(by='a|b')")
    assert frame[frame.status == "failed"][["split", "faithfulness"]].isna().all(axis=None)


def test_explainers_have_a_data_frame_of_their_own_figures():
    path = COMMITTED / "dyck-2-4" / "explanations" / "attention-row" / "AttentionRow.seed-0.json"
    stored = load(path)
    frame = Results([stored]).to_dataframe()
    assert list(frame.split) == list(stored.record.splits)
    assert list(frame.intervention) == [split.intervention for split in stored.record.splits.values()]
    with pytest.raises(UsageError, match="nothing to plot: no codec was scored; explainers have no rate"):
        Results([stored]).plot()
    assert "mean of equivalence and intervention over 1 references" in Results([stored]).to_markdown()


def test_markdown_is_a_table_an_arena_with_cells_escaped_and_failures_below(results):
    text = results.to_markdown()
    lines = text.splitlines()
    assert lines[0] == "**toy/attention.0, faithfulness over 3 references**"
    assert [cell.strip() for cell in lines[2].strip("|").split("|")][:5] == ["entry", "ID", "OOD", "gap", "bits/token"]
    assert "F(by='a\\|b')" in text
    assert lines[-1] == r"* failed: poor, F(by='a\|b') in toy/attention.0 on 1 references: fit: no result"
    assert Results([]).to_markdown() == ""


def test_the_plot_has_both_sides_of_every_entry_at_its_rate(results):
    spec = results.plot().to_dict()
    (points,) = spec["datasets"].values()
    assert [(point["submission"], point["data"], point["rate"]) for point in points] == [
        ("good", "in distribution", 64.0),
        ("good", "out of distribution", 64.0),
        ("poor", "in distribution", 16.0),
        ("poor", "out of distribution", 16.0),
    ]
    assert all(point["low"] <= point["faithfulness"] <= point["high"] for point in points)
    assert spec["facet"]["field"] == "arena"


@pytest.mark.parametrize(("package", "method"), [("pandas", "to_dataframe"), ("altair", "plot")])
def test_without_the_extra_it_is_named(package, method, results, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"need {package}, which is not installed: pip install -e '.\[page\]'"):
        getattr(results, method)()


def test_importing_the_package_loads_neither_torch_nor_pandas_nor_altair():
    code = "import sys, simplibench; assert not {'torch', 'pandas', 'altair'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
