"""A third kind of method, whole: a vote on the tokens read so far, instead of the reference's next token.

This is all that a track takes: a class that submitters write, its entry, its arena, its records, its place in the harness
and on the board; and a line in each of the four tables. No file of simplibench knows it.
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from simplibench.board import TRACKS as BOARD
from simplibench.board.regression import Change, Quartiles
from simplibench.board.row import SHARE, Scores
from simplibench.board.track import BoardTrack, mean
from simplibench.errors import MethodFailed
from simplibench.guest.contract import Problem, Promise
from simplibench.guest.messages import Call, Request
from simplibench.harness.track import Result
from simplibench.harness.tracks import TRACKS as HARNESS
from simplibench.methods.entries import EntryManifest
from simplibench.methods.method import Method
from simplibench.methods.tracks import TRACKS as METHODS
from simplibench.methods.tracks import MethodTrack
from simplibench.models import load_reference
from simplibench.models.batches import likeliest
from simplibench.records import TRACKS as RECORDS
from simplibench.records import Record, Table
from simplibench.records import record as base
from simplibench.records.checks import differing, other_splits
from simplibench.registry import scored_splits
from simplibench.scoring.inference import mean_interval
from simplibench.scoring.resampling import sentence_weights
from simplibench.tasks import load_split

SENTENCES = 20  # of each split, at most
REPEATABLE = "the same vote the second time"


# What a submission writes


class Vote(Method):
    """Predicts a token from those read so far, without a model."""

    @abstractmethod
    def vote(self, tokens: Tensor) -> Tensor:
        """Return the next token [n] after sequences [n, T]."""

    def manifest(self):
        return VoteEntry(label=self.label, fields=self.fields())


class VoteEntry(EntryManifest):
    track: Literal["vote"] = "vote"


@dataclass(frozen=True)
class Votes:
    track: ClassVar[str] = "vote"
    family: str
    name: str = "votes"
    seeds: tuple[int, ...] = (0, 1, 2)

    @property
    def needs(self):
        return (self.family,)

    def problems(self, families, scored):
        return iter(())


# Records


@dataclass(frozen=True)
class VoteCases(Table):
    split: Any  # [case] index of the split
    wrong: Any  # the reference is wrong


@dataclass(frozen=True)
class VoteCounts(Table):
    disagree: Any  # [case] the vote is for another token than the reference's


class VoteSplit(base.SplitResult):
    cases: int
    agreement: float


class VoteRecord(Record):
    scoring_version: ClassVar[int] = 1
    tables: ClassVar[tuple[type[Table], type[Table]]] = (VoteCases, VoteCounts)
    tolerance: ClassVar[float] = 0.01

    track: Literal["vote"] = "vote"
    splits: dict[str, VoteSplit]
    runtime: base.Runtime | None

    def problems(self, shared, counts):
        lacking = other_splits(shared.split, self.splits)
        if lacking:
            yield lacking
            return
        for index, (name, split) in enumerate(self.splits.items()):
            yield from differing(name, split, vote_figures(shared, counts, index))


def vote_figures(shared, counts, index):
    disagree = counts.disagree[shared.split == index]
    return {"cases": len(disagree), "agreement": 1 - int(disagree.sum()) / len(disagree)}


# In the harness


def ask(runner, index, tokens):
    reply = runner.call(Request(Call(method="vote", entry=index), {"tokens": tokens}))
    votes = reply.tensors["result"]
    if votes.is_floating_point() or list(votes.shape) != [len(tokens)]:
        raise MethodFailed("vote", f"{len(tokens)} whole numbers", f"{votes.dtype} of shape {list(votes.shape)}")
    return votes, reply.done


class VoteContext:
    """The last scored case of the first sentences of every split, and what the reference predicts there."""

    def __init__(self, task, model):
        self.roles, self.sequences, self.predicted, self.seconds = {}, {}, {}, 0.0
        split_of, wrong = [], []
        for index, name in enumerate(scored_splits(task)):
            split = load_split(task, name)
            self.roles[name] = split.role
            cases = [np.flatnonzero(split.cases.sequence == number)[-1] for number in range(SENTENCES)]
            ends = split.cases.position[cases] + 1
            tokens = [split.sequences[number][:end] for number, end in enumerate(ends)]
            self.sequences[name] = [torch.from_numpy(sequence.astype(np.int64))[None] for sequence in tokens]
            with torch.no_grad():
                logits = torch.stack([model(sequence)[0, -1] for sequence in self.sequences[name]])
            self.predicted[name] = likeliest(logits, task.candidates).numpy()
            split_of += [index] * SENTENCES
            wrong += (self.predicted[name] != split.cases.target[cases]).astype(int).tolist()
        self.table = VoteCases(np.array(split_of), np.array(wrong))
        self.facts = {}

    def open(self):
        pass

    def score(self, runners, entry, index, step):
        disagree, seconds, memory = [], 0.0, 0
        for name, sequences in self.sequences.items():
            step(name)
            for sequence, predicted in zip(sequences, self.predicted[name], strict=True):
                votes, done = ask(runners[0], index, sequence)
                disagree.append(int(votes[0]) != predicted)
                seconds, memory = seconds + done.seconds, done.peak_memory_bytes
        counts = VoteCounts(np.array(disagree, dtype=np.int64))
        splits = {
            name: VoteSplit(role=role, **vote_figures(self.table, counts, number))
            for number, (name, role) in enumerate(self.roles.items())
        }
        return Result({"splits": splits, "runtime": base.Runtime(forward_ratio=1, peak_memory_bytes=memory)}, counts)


class VoteTrial:
    def problems(self, encoder, decoder, entry, index):
        tokens = torch.arange(12).reshape(3, 4)
        try:
            if not torch.equal(ask(encoder, index, tokens)[0], ask(encoder, index, tokens)[0]):
                return [Problem(entry.label, "vote", REPEATABLE, "another")]
        except MethodFailed as failure:
            return [Problem(entry.label, failure.method, failure.expected, failure.got)]
        return []


class VoteTrack:
    promises = (Promise("vote", REPEATABLE),)
    compared = SENTENCES

    def trial(self):
        return VoteTrial()

    def prepare(self, unit, config):
        family = unit.task.family(unit.arena_as(Votes).family)
        return VoteContext(unit.task, load_reference(unit.task, unit.seed, family, config.device).model)

    def failed(self, entry):
        return {"splits": {}, "runtime": None}

    def steps(self, task):
        return len(scored_splits(task))

    def forward(self, unit, entry, index, config, runners):
        return None


# On the board


class VoteBoard(BoardTrack):
    bounds: ClassVar[tuple[float, float]] = SHARE
    score_name: ClassVar[str] = "agreement of votes"
    other_measure: ClassVar[str] = "agreement in distribution"
    main_measure: ClassVar[str] = "agreement"
    map_caption: ClassVar[str] = "Every vote on every split."
    time_title: ClassVar[str] = "votes take no time"
    columns: ClassVar[dict] = {}

    def scores(self, groups, seeds):
        return [self.scores_of(group, seeds) for group in groups]

    def scores_of(self, group, seeds):
        """Choose by reference the entry that is best in distribution, of the sample itself."""
        on_id, on_ood = [], []
        for seed in seeds:
            samples = [self.sample([kept]) for kept in group if kept.record.seed == seed]
            best = max(samples, key=lambda sample: sample[0][0, 0])
            on_id.append(best[0][:, 0])
            on_ood.append(best[1][:, 0])
        return Scores(on_ood, on_id, other=float(np.mean([sample[0] for sample in on_id])), figures=self.figures(group))

    def figures(self, group):
        return {}

    def sample(self, stored):
        columns = [self.resampled(kept) for kept in stored]
        on_id, on_ood = (np.stack([column[role] for column in columns], axis=1) for role in ("id", "ood"))
        return on_id, on_ood

    def resampled(self, kept):
        shared, counts = kept.ground(VoteCases), kept.counts(VoteCounts)
        by_role = {"id": [], "ood": [], "control": []}
        for index, (name, split) in enumerate(kept.record.splits.items()):
            agree = 1 - counts.disagree[shared.split == index]
            weights = sentence_weights(len(agree), name)
            by_role[split.role].append(weights @ agree / np.maximum(weights.sum(1), 1))
        return {role: np.mean(values, axis=0) for role, values in by_role.items() if values}

    def entry_figures(self, stored):
        return {"agreement": mean([split.agreement for kept in stored for split in kept.record.splits.values()])}

    def measures(self, stored):
        names = stored[0].record.splits
        return {"agreement": {name: np.mean([kept.record.splits[name].agreement for kept in stored]) for name in names}}

    def changes(self, recorded, now) -> Iterator[Change]:
        old, new = (self.agreement_by_case(kept) for kept in (recorded, now))
        for name in recorded.record.splits:
            weights = sentence_weights(len(old[name]), name)
            then, after = ((weights @ agree) / np.maximum(weights.sum(1), 1) for agree in (old[name], new[name]))
            difference = mean_interval((after - then)[None])
            yield Change(name, "agreement", float(then[0]), float(after[0]), difference)

    def agreement_by_case(self, kept):
        shared, counts = kept.ground(VoteCases), kept.counts(VoteCounts)
        return {name: 1 - counts.disagree[shared.split == index] for index, name in enumerate(kept.record.splits)}

    def runtimes(self, recorded, now):
        ratios = [record.runtime.forward_ratio for record in (recorded, now)]
        return tuple(Quartiles(ratio, ratio, ratio) for ratio in ratios)


METHOD = MethodTrack(VoteEntry, Path(__file__), {"vote": lambda voter, given: voter.vote(given.tensors["tokens"])})
LINES = ((METHODS, METHOD), (RECORDS, VoteRecord), (HARNESS, VoteTrack()), (BOARD, VoteBoard()))  # table, what it gets


def enter():
    """Enter the track in the four tables."""
    for table, entry in LINES:
        table["vote"] = entry
