"""Submissions: what a file must hold, what a codec must keep, and how each broken promise reads."""

import pytest
import torch

from simplibench.errors import MethodFailed, UsageError
from simplibench.guest import Guest, HostedCodec, check_codec
from simplibench.methods import load_submission
from simplibench.registry import all_methods

ROWS = {
    "vectors": {"wide": torch.randn(1_100, 32, generator=torch.Generator().manual_seed(0))},
    "pattern": {"attention": torch.rand(300, 64, generator=torch.Generator().manual_seed(1)).softmax(-1)},
}


@pytest.fixture
def problems(server):
    """All that the contract finds in a file, in guests of their own."""

    def find(path, timeout=20.0):
        caller, stranger = Guest(server, path, "cpu"), Guest(server, path, "cpu")
        try:
            manifest = caller.manifest()
            found = []
            for index, entry in enumerate(manifest.entries):
                caller.seconds_left = stranger.seconds_left = timeout
                found += check_codec(caller, stranger, entry, index, ROWS)
            return [str(problem) for problem in found]
        finally:
            caller.close()
            stranger.close()

    return find


BROKEN = {
    "fit that is not repeatable": (
        "def fit(self, x, generator): return {'a': torch.rand(3)}\n"
        "def encode(self, state, x): return x\ndef decode(self, state, code): return code",
        "Own(), fit: expected the same state under the same seed, got another; draw from the generator alone",
    ),
    "fit that draws to no effect": (
        "def fit(self, x, generator): torch.rand(3, generator=generator); return {}\n"
        "def encode(self, state, x): return x\ndef decode(self, state, code): return code",
        "Own(), fit: expected another state under another seed, as it draws from the generator, got the same",
    ),
    "nested state": (
        "def fit(self, x, generator): return {'a': {'b': x}}\n"
        "def encode(self, state, x): return x\ndef decode(self, state, code): return code",
        "Own(), fit: expected a tensor in state['a'], got a dict of 'b': Tensor",
    ),
    "state that is no dict": (
        "def fit(self, x, generator): return [x]\n"
        "def encode(self, state, x): return x\ndef decode(self, state, code): return code",
        "Own(), fit: expected a flat dict of tensors by name, got list",
    ),
    "changed input": (
        "def encode(self, state, x): return x.mul_(2)\ndef decode(self, state, code): return code / 2",
        "Own(), encode: expected its input left as it was, got a changed input; work on a copy",
    ),
    "dependent rows": (
        "def encode(self, state, x): return x - x.mean(0)\ndef decode(self, state, code): return code",
        "Own(), encode: expected rows independent of each other, got other results without the other rows",
    ),
    "NaN": (
        "def encode(self, state, x): return x\ndef decode(self, state, code): return code * float('nan')",
        "Own(), decode: expected finite numbers in its result, got NaN",
    ),
    "infinite state": (
        "def fit(self, x, generator): return {'a': torch.tensor([float('inf')])}\n"
        "def encode(self, state, x): return x\ndef decode(self, state, code): return code",
        "Own(), fit: expected finite numbers in state['a'], got infinity",
    ),
    "wrong shape": (
        "def encode(self, state, x): return x\ndef decode(self, state, code): return code[:, :5]",
        "Own(), decode: expected float32 of shape [1100, 32], got float32 of shape [1100, 5]",
    ),
    "wrong dtype": (
        "def encode(self, state, x): return x\ndef decode(self, state, code): return code.double()",
        "Own(), decode: expected float32 of shape [1100, 32], got float64 of shape [1100, 32]",
    ),
    "wrong device": (
        "def encode(self, state, x): return x\ndef decode(self, state, code): return code.to('meta')",
        "Own(), decode: expected a tensor on cpu, got one on meta",
    ),
    "code of too few rows": (
        "def encode(self, state, x): return x[:7]\ndef decode(self, state, code): return code",
        "Own(), encode: expected a code of shape [1100, m], got float32 of shape [7, 32]",
    ),
    "complex code": (
        "def encode(self, state, x): return x.to(torch.complex64)\ndef decode(self, state, code): return code.real",
        "Own(), encode: expected a tensor of floats or integers, got one of torch.complex64",
    ),
    "no tensor": (
        "def encode(self, state, x): return x.numpy()\ndef decode(self, state, code): return code",
        "Own(), encode: expected a tensor, got ndarray",
    ),
    "exception": (
        "def encode(self, state, x): return x\ndef decode(self, state, code): return code / [0]",
        "Own(), decode: expected a result, got TypeError at own.py:9: unsupported operand",
    ),
    "code that is not all": (
        "def encode(self, state, x):\n    global seen\n    seen = x\n    return x[:, :1]\n"
        "def decode(self, state, code): return seen[:len(code)].clone()",
        "Own(), decode: expected a result, got NameError at own.py:12: name 'seen' is not defined",
    ),
    "endless loop": (
        "def encode(self, state, x):\n    while True: pass\ndef decode(self, state, code): return code",
        "Own(), encode: expected an end within the time an entry has (--timeout SECONDS), got none in the 1",
    ),
    "sudden death": (
        "def encode(self, state, x):\n    import os; os._exit(3)\ndef decode(self, state, code): return code",
        "Own(), encode: expected a result, got the end of its process, with exit code 3",
    ),
}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_a_broken_promise_is_told_with_entry_method_expected_and_got(case, submission_file, problems):
    body, expected = BROKEN[case]
    found = problems(submission_file(body), timeout=1.5 if case == "endless loop" else 20.0)
    assert any(problem.startswith(expected) for problem in found), found


def test_problems_of_all_entries_are_listed_at_once(submission_file, problems):
    body = (
        "k: int\ndef encode(self, state, x): return x - x.mean(0)\ndef decode(self, state, code): return code.double()"
    )
    found = problems(submission_file(body, "[Own(k=1), Own(k=2)]"))
    assert [problem.split(",")[0] for problem in found] == ["Own(k=1)", "Own(k=1)", "Own(k=2)", "Own(k=2)"]
    assert [problem.split(" ")[1] for problem in found] == ["encode:", "decode:", "encode:", "decode:"]


def test_a_rank_wider_than_the_vectors_is_refused_with_both_numbers(submission_file, problems, tmp_path):
    text = all_methods()["svd"].path.read_text(encoding="utf-8").replace("(1, 2, 4, 8, 16)", "(33,)")
    (tmp_path / "svd.py").write_text(text, encoding="utf-8")
    (found,) = problems(tmp_path / "svd.py")
    assert found.startswith("SVD(rank=33), trim: expected a result, got ValueError at svd.py:")
    assert found.endswith("rank must be at most 32, the width of the vectors, got 33")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(:", r"bad\.py:1: syntax error"),
        ("x = 1", r"bad\.py: expected `submission = Submission\(...\)` at the top level, got nothing of that name"),
        ("submission = 3", r"bad\.py: expected `submission = Submission\(...\)` at the top level, got a int"),
        ("import nonsense_of_mine", r"bad\.py:1: needs the package nonsense_of_mine, which is not installed here"),
        ("\nraise SystemExit(4)", r"bad\.py:2: raised SystemExit: 4"),
        (
            "from simplibench.baselines.svd import SVD\n\nSVD(rank=0)",
            r"bad\.py:3: SVD\.rank: Input should be greater than 0, got 0",
        ),
        (
            "from simplibench.baselines.svd import SVD\nSVD(rank=2, colour='red', k=3)",
            r"bad\.py:2: SVD\.colour: Extra inputs are not permitted, got 'red'; SVD\.k: Extra",
        ),
        (
            "from simplibench import Submission\nSubmission(name='My Method', authors=(), citation='r', entries=[1])",
            r"bad\.py:2: Submission\.name: String should match pattern .*; Submission\.authors: .*; Submission\.entries",
        ),
        (
            "from simplibench import Submission\nfrom simplibench.baselines.svd import SVD\n"
            "Submission(name='a', authors=('b',), citation='r', entries=[SVD(rank=1), SVD(rank=1)])",
            r"bad\.py:3: Submission\.entries: .*entries must differ, got SVD\(rank=1\) more than once",
        ),
    ],
)
def test_an_unusable_file_says_where_and_what(text, expected, tmp_path, server):
    (tmp_path / "bad.py").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=expected):
        load_submission(tmp_path / "bad.py")
    guest = Guest(server, tmp_path / "bad.py", "cpu")
    with pytest.raises(UsageError, match=expected):
        guest.manifest()


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(UsageError, match=r"none\.py: no such file; `simplibench list`"):
        load_submission(tmp_path / "none.py")


def test_fields_of_an_entry_cannot_be_changed(tmp_path):
    entry = load_submission(all_methods()["svd"].path).entries[0]
    with pytest.raises(ValueError, match="Instance is frozen"):
        entry.rank = 3


def test_the_sign_of_a_zero_does_not_reach_the_decoder(submission_file, server):
    body = (
        "def encode(self, state, x): return torch.where(x > 0, 0.0, -0.0)\n"
        "def decode(self, state, code): return torch.copysign(torch.ones_like(code), code)"
    )
    guest = Guest(server, submission_file(body), "cpu")
    codec = HostedCodec(guest, guest, guest.manifest().entries[0], 0)
    x = torch.tensor([[-1.0, 1.0]])
    assert codec.decode({}, codec.encode({}, x), 2).tolist() == [[1.0, 1.0]]
    guest.close()


def test_a_code_may_not_change_its_width_between_calls(submission_file, server):
    body = "def encode(self, state, x): return x[:, :len(x)]\ndef decode(self, state, code): return code"
    guest = Guest(server, submission_file(body), "cpu")
    codec = HostedCodec(guest, guest, guest.manifest().entries[0], 0)
    codec.encode({}, torch.zeros(2, 9))
    with pytest.raises(
        MethodFailed, match=r"a code like before, torch.float32 with m = 2, got float32 of shape \[3, 3\]"
    ):
        codec.encode({}, torch.zeros(3, 9))
    guest.close()


SKLEARN = """
from sklearn import decomposition
from simplibench import Submission
from simplibench.methods.sklearn import SklearnCodec

class PCA(SklearnCodec): estimator = decomposition.PCA
class FastICA(SklearnCodec): estimator = decomposition.FastICA
class Positive(SklearnCodec):
    estimator = decomposition.NMF
    def fit(self, x, generator): return super().fit(x.clamp(min=0), generator)
    def encode(self, state, x): return super().encode(state, x.clamp(min=0))

submission = Submission(name="sk", authors=("a",), citation="r", entries=[
    PCA(parameters={"n_components": 4}),
    FastICA(parameters={"n_components": 3, "tol": 0.2, "max_iter": 1000}),
    Positive(parameters={"n_components": 3, "init": "nndsvda", "max_iter": 2000, "tol": 0.01}),
])
"""


def test_scikit_learn_transformers_are_submissions_in_three_lines(tmp_path, server):
    (tmp_path / "sk.py").write_text(SKLEARN, encoding="utf-8")
    encoder, decoder = (Guest(server, tmp_path / "sk.py", "cpu") for _ in range(2))
    x = ROWS["vectors"]["wide"]
    for index, entry in enumerate(encoder.manifest().entries):
        codec = HostedCodec(encoder, decoder, entry, index)
        state, _ = codec.fit(x, seed=1)
        code = codec.encode(state, x)
        assert code.shape == (1_100, entry.fields["parameters"]["n_components"])
        decoded = codec.decode(state, code, 32)
        target = x.clamp(min=0) if entry.label.startswith("Positive") else x
        assert (decoded - target).square().mean() < (target - target.mean(0)).square().mean()
    encoder.close()
    decoder.close()


def test_the_adapter_gives_scikit_learns_own_reconstruction(tmp_path, server):
    from sklearn.decomposition import PCA

    (tmp_path / "sk.py").write_text(SKLEARN, encoding="utf-8")
    guest = Guest(server, tmp_path / "sk.py", "cpu")
    codec = HostedCodec(guest, guest, guest.manifest().entries[0], 0)
    x = ROWS["vectors"]["wide"]
    state, _ = codec.fit(x, seed=1)
    decoded = codec.decode(state, codec.encode(state, x), 32)
    model = PCA(4).fit(x.numpy())
    expected = torch.from_numpy(model.inverse_transform(model.transform(x.numpy())))
    assert torch.allclose(decoded, expected, atol=1e-4)
    guest.close()


PIPELINE = """
import numpy as np
import sklearn.decomposition, sklearn.pipeline, sklearn.preprocessing
from simplibench import Submission
from simplibench.methods.sklearn import SklearnCodec

def make(**parameters):
    return sklearn.pipeline.make_pipeline(sklearn.preprocessing.StandardScaler(), sklearn.decomposition.PCA(**parameters))

class Shuffled(sklearn.decomposition.PCA):
    def fit(self, x, y=None): return super().fit(x + np.random.rand(*x.shape).astype(x.dtype))

class Piped(SklearnCodec): estimator = staticmethod(make)
class Global(SklearnCodec): estimator = Shuffled

submission = Submission(name="piped", authors=("a",), citation="r", entries=[
    Piped(parameters={"n_components": 4, "svd_solver": "randomized"}),
    Piped(parameters={"n_components": 4, "random_state": 7}),
    Global(parameters={"n_components": 4}),
])
"""


def test_every_step_of_a_pipeline_draws_from_the_generator_unless_its_seed_is_given(tmp_path):
    (tmp_path / "piped.py").write_text(PIPELINE, encoding="utf-8")
    drawing, seeded, _ = load_submission(tmp_path / "piped.py").entries
    x = ROWS["vectors"]["wide"]

    def seed_of(codec, seed):
        state = codec.fit(x, torch.Generator().manual_seed(seed))
        return codec._opened(state).get_params()["pca__random_state"]

    assert seed_of(drawing, 1) == seed_of(drawing, 1) != seed_of(drawing, 2)
    assert seed_of(seeded, 1) == seed_of(seeded, 2) == 7


def test_a_pipeline_keeps_the_contract_and_numpys_own_numbers_break_it_naming_the_cure(tmp_path, problems):
    (tmp_path / "piped.py").write_text(PIPELINE, encoding="utf-8")
    found = problems(tmp_path / "piped.py")
    assert found
    assert all(problem.startswith("Global(") for problem in found), found
    assert (
        "draw from the generator alone, never from numpy's or torch's own; in scikit-learn that is what `random_state`"
        in found[0]
    )
