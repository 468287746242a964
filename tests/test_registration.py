"""What is said of a file in the tasks folder that holds no task to rely on, and that the others work all the same."""

import re
from pathlib import Path

import pytest
import snippets
from run_kit import planned

from simplibench.audit import records as soundness
from simplibench.cli.info import show_info
from simplibench.cli.list import show_list
from simplibench.errors import UsageError
from simplibench.records import COMMITTED, load
from simplibench.registry import all_tasks, broken_tasks, load_task, protocol, terms

PAGE = snippets.blocks(Path(__file__).parent.parent / "docs" / "adding-a-task.md", "python")[0]
SHIPPED = frozenset(all_tasks())
WITHOUT_TASK = PAGE.replace("task = FirstSymbol()", "")


def changed(**fields):
    """The page's task with other attributes, each as Python text; None leaves one out."""
    lines = [
        f"del FirstSymbol.{name}" if text is None else f"FirstSymbol.{name} = {text}" for name, text in fields.items()
    ]
    return WITHOUT_TASK + "from dataclasses import replace\n" + "\n".join(lines) + "\ntask = FirstSymbol()\n"


def arena(field, text):
    return changed(arenas=f"(replace(FirstSymbol.arenas[0], {field}={text}),)")


def family(changes):
    return changed(families=f"(replace(FirstSymbol.families[0], {changes}),)")


PINNED = "training, fit, iid, repetitive"
EXPLANATIONS = """
from simplibench.tasks import Explanations, Maskings
class Every(Maskings):
    kinds = ("token",)
    def draw(self, tokens, rng): return tokens[None] < 0
    def replaced(self, tokens, masked): return tokens
GOOD = Explanations((), "bank:build", Every(), {"iid": 3, "repetitive": 3})
"""


def explanations(changes):
    return changed(arenas="()").replace(
        "task = F", f"{EXPLANATIONS}FirstSymbol.arenas = (replace(GOOD, {changes}),)\ntask = F"
    )


WRONG = {
    "no hashes": (
        changed(hashes=None),
        ["hashes: expected collections.abc.Mapping[str, str], got nothing of that name"],
    ),
    "no protocol, no card": (
        changed(protocol=None, card=None),
        ["card: expected str, got nothing of that name", "protocol: expected int, got nothing of that name"],
    ),
    "a protocol of text": (changed(protocol="'1'"), ["protocol: expected a valid integer, got '1'"]),
    "protocol 0": (changed(protocol="0"), ["protocol: expected at least 1, got 0"]),
    "candidates in a list": (changed(candidates="[0, 1]"), ["candidates: expected an instance of range, got [0, 1]"]),
    "candidates beyond the vocabulary": (
        changed(candidates="range(10)"),
        ["candidates: expected token ids below 9, the vocabulary of family one-layer, got range(0, 10)"],
    ),
    "one candidate": (
        changed(candidates="range(3, 4)"),
        ["candidates: expected at least two token ids one after the other, got range(3, 4)"],
    ),
    "an unknown role": (
        changed(roles="{'fit': 'fit', 'iid': 'test', 'repetitive': 'ood'}"),
        ["roles.iid: expected 'fit', 'id', 'ood' or 'control', got 'test'"],
    ),
    "two splits to fit on and none in distribution": (
        changed(roles="{'fit': 'fit', 'iid': 'fit', 'repetitive': 'ood'}"),
        [
            "roles: expected exactly one split of role fit, got 2",
            "roles: expected at least one split of role id, got none",
        ],
    ),
    "a split called like the training set": (
        changed(roles="{'fit': 'fit', 'training': 'id', 'repetitive': 'ood'}", hashes="{}"),
        ["roles: expected lower-case words joined by hyphens, other than training, got 'training'"],
    ),
    "a hash of no split, one of a split missing, one cut short": (
        changed(hashes="{'training': 'a' * 64, 'fit': 'b' * 64, 'iid': 'c' * 63, 'other': 'd' * 64}"),
        [
            f"hashes.iid: expected 64 hexadecimal digits, got '{'c' * 63}'",
            f"hashes: expected one for each of {PINNED}, got one for 'other'",
            f"hashes: expected one for each of {PINNED}, got none for 'repetitive'",
        ],
    ),
    "a name with blanks": (
        changed(name="'First symbol'"),
        ["name: expected lower-case words joined by hyphens, other than all, got 'First symbol'"],
    ),
    "the name that stands for every task": (
        changed(name="'all'"),
        ["name: expected lower-case words joined by hyphens, other than all, got 'all'"],
    ),
    "no arena": (changed(arenas="()"), ["arenas: expected at least one, got none"]),
    "something else for an arena": (
        changed(arenas="('attention',)"),
        ["arenas.0: expected an arena, such as Component or Explanations, got 'attention'"],
    ),
    "two arenas of one name": (
        changed(arenas="2 * FirstSymbol.arenas"),
        ["arenas: expected names that differ, got 'attention.0' 2 times"],
    ),
    "a component that there is none of": (
        arena("component", "'heads'"),
        ["arenas.0.component: expected 'attention' or 'residual', got 'heads'"],
    ),
    "a layer beyond the last": (
        arena("layer", "1"),
        ["arenas.attention.1.layer: expected 0 to 0, which family one-layer has, got 1"],
    ),
    "an unknown family": (
        arena("family", "'large'"),
        ["arenas.attention.0: expected a family among one-layer, got 'large'"],
    ),
    "seeds that the family does not have": (
        arena("seeds", "(0, 1)"),
        ["arenas.attention.0.seeds: expected some of (0,), which family one-layer has, got (0, 1)"],
    ),
    "a family in a list": (family("seeds=[0]"), ["families.0.seeds: expected a valid tuple, got [0]"]),
    "a property that raises": (
        WITHOUT_TASK + "FirstSymbol.card = property(lambda self: open('/nowhere').read())\ntask = FirstSymbol()\n",
        ["card: expected str, got FileNotFoundError: [Errno 2] No such file or directory: '/nowhere'"],
    ),
    "a value longer than a line": (
        changed(arenas="(list(range(1000)),)"),
        ["arenas.0: expected an arena, such as Component or Explanations, got [0, 1, 2, 3,"],
    ),
    "a recipe of text": (
        family("recipe=replace(FirstSymbol.families[0].recipe, steps='many')"),
        ["families.0.recipe.steps: expected a valid integer, got 'many'"],
    ),
    "a bank that no function is": (
        explanations("bank='bank'"),
        ["arenas.explanations.bank: expected `package.module:function`, got 'bank'"],
    ),
    "cases of too few splits, and none": (
        explanations("cases={'iid': 0}"),
        [
            "arenas.explanations.cases.iid: expected at least 1, got 0",
            "arenas.explanations.cases: expected a number for each of iid, repetitive, got iid",
        ],
    ),
    "maskings of another type": (
        explanations("maskings=3"),
        ["arenas.0.maskings: expected an instance of Maskings, got 3"],
    ),
    "a class and no task": (
        WITHOUT_TASK,
        [
            "task: expected an instance of Task, such as `task = FirstSymbol()`, or `task = None` in a file of helpers, "
            "got nothing of that name beside the class FirstSymbol"
        ],
    ),
    "another spelling": (
        WITHOUT_TASK + "Task = FirstSymbol()",
        [
            "task: expected an instance of Task, such as `task = FirstSymbol()`, or `task = None` in a file of helpers, "
            "got nothing of that name beside the class FirstSymbol"
        ],
    ),
    "the class in place of a task": (
        WITHOUT_TASK + "task = FirstSymbol",
        ["task: expected an instance of Task, such as `task = FirstSymbol()`, got the class FirstSymbol"],
    ),
    "a number in place of a task": (
        "task = 3",
        ["task: expected an instance of Task, such as `task = MyTask()`, got int 3"],
    ),
    "a package that is not there": (
        "\nimport nonsense_of_mine\n",
        ["line 2: expected a file that can be imported, got ModuleNotFoundError: No module named 'nonsense_of_mine'"],
    ),
    "a syntax error": (
        "\n\ndef f(:\n",
        ["line 3: expected a file that can be imported, got SyntaxError: invalid syntax"],
    ),
    "an exit": ("raise SystemExit(4)", ["line 1: expected a file that can be imported, got SystemExit: 4"]),
    "no way to build": (
        PAGE.replace("def build", "def made"),
        ["expected a file that can be imported, got TypeError: Can't instantiate abstract class FirstSymbol"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_each_problem_of_a_task_is_told_with_field_expected_and_got_and_the_others_work(case, task_file):
    text, expected = WRONG[case]
    path = task_file("first_symbol.py", text)
    (broken,) = broken_tasks()
    assert broken.path == path
    assert set(all_tasks()) == SHIPPED
    assert len(broken.problems) == len(expected)
    assert all(len(problem) < 300 and "\n" not in problem for problem in broken.problems)
    for said, problem in zip(sorted(broken.problems), sorted(expected), strict=True):
        assert problem in said


def test_a_task_that_holds_is_registered_beside_the_others_and_nothing_is_said(task_file, capsys):
    task_file("first_symbol.py", PAGE)
    task_file("explained.py", explanations("name='explanations'").replace('"first-symbol"', '"explained"'))
    assert broken_tasks() == ()
    assert set(all_tasks()) == {*SHIPPED, "first-symbol", "explained"}
    show_list("names")
    assert capsys.readouterr().err == ""


def test_hashes_may_be_empty_until_they_are_pinned(task_file):
    task_file("first_symbol.py", changed(hashes="{}"))
    assert load_task("first-symbol").hashes == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("functions.py", "def double(x): return 2 * x\n"),
        ("_draft.py", "task = 3\n"),
        ("variants.py", WITHOUT_TASK + "task = None  # other files make tasks of it\n"),
        ("base.py", "from simplibench.tasks import Task\nclass Language(Task):\n    candidates = range(3)\n"),
        ("users.py", "from simplibench.tasks.dyck import Dyck\n"),
    ],
)
def test_a_file_of_helpers_is_no_task_and_no_problem(name, text, task_file):
    task_file(name, text)
    assert broken_tasks() == ()
    assert set(all_tasks()) == SHIPPED


def test_two_tasks_of_one_name_are_both_left_out_and_each_names_the_other(task_file):
    first, second = task_file("first.py", PAGE), task_file("second.py", PAGE)
    assert set(all_tasks()) == SHIPPED
    assert [(broken.path, broken.problems) for broken in broken_tasks()] == [
        (path, (f"name: expected one that no other task has, got 'first-symbol', as has {other}",))
        for path, other in ((first, second), (second, first))
    ]
    with pytest.raises(
        UsageError, match=rf"{re.escape(str(first))}: no usable task, 1 problem:\n  1\. name: expected one"
    ):
        load_task("first-symbol")


TWO = changed(protocol="0", candidates="range(10)")


@pytest.mark.parametrize("show", [lambda: show_list("table"), lambda: show_info("dyck-2-4")])
def test_list_and_info_tell_each_broken_file_in_one_line_on_standard_error_and_go_on(show, task_file, capsys):
    path, other = task_file("first_symbol.py", TWO), task_file("other.py", "\n1 / 0\n")
    show()
    said = capsys.readouterr()
    assert "length-400-500" in said.out
    assert said.err.splitlines() == [
        f"{path}: no usable task, so left out: protocol: expected at least 1, got 0 and 1 more; "
        "`simplibench info first_symbol` tells all",
        f"{other}: no usable task, so left out: line 2: expected a file that can be imported, got ZeroDivisionError: "
        "division by zero; mend it",
    ]


def run_on(name):
    planned(["identity"], name)


@pytest.mark.parametrize("text", [TWO, TWO + "1 / 0\n", TWO + "def f(:\n"], ids=["checked", "raising", "no Python"])
@pytest.mark.parametrize("name", ["first-symbol", "first_file", "first-file"])
@pytest.mark.parametrize("use", [load_task, show_info, run_on])
def test_whoever_names_a_broken_task_by_its_name_or_file_gets_every_problem(use, name, text, task_file):
    path = task_file("first_file.py", text)
    with pytest.raises(UsageError) as refused:
        use(name)
    (broken,) = broken_tasks()
    assert str(refused.value).splitlines() == [
        f"{path}: no usable task, {len(broken.problems)} problem{'s' if len(broken.problems) > 1 else ''}:",
        *(f"  {number}. {problem}" for number, problem in enumerate(broken.problems, start=1)),
    ]


def test_an_arena_of_a_broken_task_is_answered_with_the_problems_of_the_task(task_file):
    task_file("first_symbol.py", TWO)
    with pytest.raises(UsageError, match="first_symbol.py: no usable task, 2 problems"):
        show_info("first-symbol/attention.0")


def test_who_names_a_task_that_there_is_none_of_hears_of_the_files_left_out(task_file):
    path = task_file("first_symbol.py", TWO)
    with pytest.raises(UsageError, match=rf"no task other; there are: .*; left out: {re.escape(str(path))}"):
        load_task("other")


def test_a_run_on_every_task_says_which_files_are_left_out(task_file, capsys):
    path = task_file("first_symbol.py", TWO)
    run_on("all")
    assert f"{path}: no usable task, so left out" in capsys.readouterr().err


def test_a_task_whose_references_are_still_to_be_trained_ranks_nothing_and_the_others_work_as_before(task_file, capsys):
    before = terms()
    task_file("first_symbol.py", PAGE)
    assert terms() == before
    with pytest.raises(UsageError, match="no such card; `simplibench train first-symbol"):
        protocol(load_task("first-symbol"))
    units = planned(["identity"], "all")
    assert {unit.task.name for unit in units} < set(all_tasks())
    assert "first-symbol is left out: there are no cards of its references; `simplib" in capsys.readouterr().err


def test_of_the_records_of_a_task_that_is_left_out_the_file_is_named_and_nobody_is_told_to_delete_them(task_file):
    stored = load(next((COMMITTED / "dyck-20-10" / "attention.1" / "identity").glob("*.json")))
    assert soundness.unknown([stored]) == []
    task_file("again.py", "from simplibench.tasks.dyck import task\n")
    assert {file.path.name for file in broken_tasks() if "dyck-20-10" in file.names} == {"again.py", "dyck.py"}
    (problem,) = soundness.unknown([stored])
    assert "task: dyck-20-10 is left out, so nothing can be said of its records; mend" in problem


def test_a_link_to_nothing_is_one_more_broken_file(task_file):
    folder = task_file("_helpers.py", "").parent
    (folder / "gone.py").symlink_to(folder / "nowhere")
    assert set(all_tasks()) == SHIPPED
    (broken,) = broken_tasks()
    assert broken.names == {"gone"}
    assert "No module named" in broken.problems[0]
