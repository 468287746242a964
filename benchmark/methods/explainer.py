"""The explainer track's interface: which of the tokens read so far matter for a prediction."""

from abc import abstractmethod

from torch import Tensor

from simplibench.methods.entries import ExplainerEntry
from simplibench.methods.explained import ExplainedModel
from simplibench.methods.method import Method


class Explainer(Method):
    """Says how much each earlier token matters for a prediction.

    Explainers are pure, and cases independent of each other. Gradients are enabled; the model's weights take none.
    """

    @abstractmethod
    def explain(self, model: ExplainedModel, tokens: Tensor, positions: Tensor) -> Tensor:
        """Return attributions [case, token], float, 0 after the position.

        tokens [case, token] begin with START, positions [case] are those of the last token read, after which the model
        predicts. Positive: the token speaks for the prediction; what is scored is their order, their sums over groups
        of tokens and their shares, so the scale is free. START (position 0) is never masked.
        """

    def manifest(self) -> ExplainerEntry:
        """Return what the host is told of this entry."""
        return ExplainerEntry(label=self.label, fields=self.fields())
