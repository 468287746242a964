"""What an explainer must keep, and what is told of one that does not."""

import pytest
import torch
from explainer_kit import EXPLAIN, POSITIONS, READ, TASK, TOKENS, explained, trained, written

from simplibench.guest import Guest, HostedExplainer, InProcess, Question, check_explainer
from simplibench.models.theory import uniform


@pytest.fixture
def caller(server):
    """Opens guests and closes them."""
    opened = []

    def start(path, seconds=60.0):
        opened.append(Guest(server, path, "cpu"))
        entries = opened[-1].manifest().entries
        opened[-1].seconds_left = seconds
        return opened[-1], entries

    yield start
    for one in opened:
        one.close()


BROKEN = {
    "wrong shape": (
        f"{EXPLAIN} return torch.zeros(tokens.shape)[:, 1:]",
        "expected floats of shape [4, 13], got float32 of shape [4, 12]",
    ),
    "integers": (
        f"{EXPLAIN} return torch.zeros_like(tokens)",
        "expected floats of shape [4, 13], got int64 of shape [4, 13]",
    ),
    "no tensor": (f"{EXPLAIN} return tokens.tolist()", "expected a tensor, got list"),
    "complex": (
        f"{EXPLAIN} return tokens.to(torch.complex64)",
        "expected a tensor of floats or integers, got one of torch.complex64",
    ),
    "NaN": (f"{EXPLAIN} return tokens / tokens", "expected finite attributions, got NaN"),
    "infinity": (f"{EXPLAIN} return -1 / (tokens * 0)", "expected finite attributions, got infinity"),
    "exception": (
        f"{EXPLAIN}\n    raise ArithmeticError('no')",
        "expected a result, got ArithmeticError at own.py:7: no",
    ),
    "START hidden": (
        f"{EXPLAIN}\n    return model.margin_without(tokens, positions, torch.ones(4, 13, 13, dtype=torch.bool))",
        "expected a result, got ValueError at own.py:7: position 0, START, cannot be hidden",
    ),
    "sudden death": (
        f"{EXPLAIN}\n    import os; os._exit(3)",
        "expected a result, got the end of its process, with exit code 3",
    ),
    "endless loop": (
        f"{EXPLAIN}\n    while True: pass",
        "expected an end within the time an entry has (--timeout SECONDS), got none in the 1",
    ),
    "after the position": (
        f"{EXPLAIN} return torch.ones(tokens.shape)",
        "expected 0 after the explained position, where there is nothing to explain, "
        "got attributions after position 7 of case 0",
    ),
    "changed tokens": (
        f"{EXPLAIN}\n    tokens[:, 1] = 2\n    return torch.zeros(tokens.shape)",
        "expected its input left as it was, got a changed input; work on a copy",
    ),
    "other cases": (
        f"{EXPLAIN}\n    {READ}\n    return read * model.margin(tokens, positions).mean() * positions.sum()",
        "expected cases independent of each other, got other attributions without the other cases",
    ),
    "unseeded numbers": (
        f"{EXPLAIN}\n    {READ}\n    return read * torch.rand(tokens.shape)",
        "expected the same attributions for the same question, got others the second time",
    ),
    "padding": (
        f"{EXPLAIN}\n    {READ}\n    return read.float() * tokens.shape[1]",
        "expected attributions that do not depend on padding, got others with padding after the tokens",
    ),
}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_a_broken_promise_is_told_with_entry_method_expected_and_got(case, caller, tmp_path):
    body, expected = BROKEN[case]
    guest, (entry,) = caller(written(tmp_path, body), 1.5 if case == "endless loop" else 60.0)
    question = Question(uniform(), TASK.candidates, TOKENS, POSITIONS)
    found = [str(problem) for problem in check_explainer(guest, entry, 0, [question])]
    assert found[0].startswith(f"Own(), explain: {expected}")
    assert len(found) == 1 or case == "unseeded numbers"  # which differ from any others


WRITES = f"""
{EXPLAIN}
    {READ}
    before = read * model.margin(tokens, positions)[:, None]
    for weight in model.network.parameters():
        weight.fill_(7)
    model.network.blocks[0].key = None
    return before
"""


def test_whatever_is_done_to_the_model_is_done_to_a_copy(caller, tmp_path):
    path, network = written(tmp_path, WRITES), trained("minimal")
    kept = {name: weight.clone() for name, weight in network.state_dict().items()}
    guest, (entry,) = caller(path)
    margins = explained(network).margin(TOKENS, POSITIONS)
    for own in (guest, InProcess(path, "cpu")):
        assert check_explainer(own, entry, 0, [Question(network, TASK.candidates, TOKENS, POSITIONS)]) == []
        explainer = HostedExplainer(own, entry, 0)
        found = explainer.explain(network, TASK.candidates, TOKENS, POSITIONS)
        assert torch.allclose(found[:, 0], margins)
        assert (found.dtype, explainer.cases) == (torch.float64, len(TOKENS))
        assert all(torch.equal(weight, kept[name]) for name, weight in network.state_dict().items())
