"""What theory says of the explainers of the repository."""

from itertools import combinations

import numpy as np
import pytest
import torch
from explainer_kit import EXPLAINERS, SUBMISSIONS, TOKENS, explain, explained, trained

from simplibench.models.theory import broken_twin, same_values, symmetric_twin, types_swapped, uniform
from simplibench.scoring.correlation import spearman
from simplibench.scoring.explanations import auc, distance

C6, LAST = torch.tensor([[0, 1, 2, 2, 4, 4]]), torch.tensor([5])  # START ( [ [ ] ]
SMALL = 1e-6  # of a margin of 10


def hidden_together(*groups):
    hidden = torch.zeros(1, len(groups), 6, dtype=torch.bool)
    for masking, places in enumerate(groups):
        hidden[0, masking, list(places)] = True
    return hidden


def test_token_occlusion_charges_a_matched_pair_for_what_one_of_its_brackets_alone_would_do():
    # Alone, "(" leaves a tie, an opening bracket changes nothing, a closing one flips the prediction: 10, 0 and 20 lost.
    attributions = explain("token-occlusion", uniform(), C6, LAST)
    assert attributions[0].tolist() == pytest.approx([0, 10, 0, 0, 20, 20], abs=SMALL)
    model, maskings = explained(uniform()), hidden_together((1,), (3, 4), (2, 5))
    lost = (model.margin(C6, LAST)[:, None] - model.margin_without(C6, LAST, maskings))[0]
    assert lost.tolist() == pytest.approx([10, 0, 0], abs=SMALL)
    predicted = (maskings * attributions[:, None]).sum(-1)[0]
    assert predicted.tolist() == pytest.approx([10, 20, 20], abs=SMALL)
    assert spearman(predicted.round().numpy(), lost.round().numpy()) == pytest.approx(-1)


def test_pair_occlusion_predicts_what_hiding_matched_pairs_does():
    attributions = explain("pair-occlusion", uniform(), C6, LAST)
    assert attributions[0].tolist() == pytest.approx([0, 10, 0, 0, 0, 0], abs=SMALL)
    predicted = (hidden_together((1,), (3, 4), (2, 5)) * attributions[:, None]).sum(-1)[0]
    assert spearman(predicted.round().numpy(), np.array([10.0, 0.0, 0.0])) == pytest.approx(1)


def test_the_attention_row_is_the_same_for_other_functions_and_another_for_the_same():
    models = same_values(seed=0)
    rows = {name: explain("attention-row", model).numpy() for name, model in models.items()}
    same = np.stack([distance(rows[a], rows[b]) for a, b in combinations(models, 2)], axis=1)
    for change in (lambda own: broken_twin(own, 0.3, seed=0), types_swapped):
        others = {name: explain("attention-row", change(model)).numpy() for name, model in models.items()}
        assert all(np.array_equal(others[name], own) for name, own in rows.items())
        different = np.stack([distance(rows[name], others[name]) for name in models], axis=1)
        assert auc(same, different).tolist() == [0] * len(TOKENS)


@pytest.mark.parametrize("name", ["token-occlusion", "pair-occlusion", "gradient-times-input", "integrated-gradients"])
def test_what_only_asks_a_model_explains_a_symmetric_twin_alike(name, network):
    found, twins = explain(name, network), explain(name, symmetric_twin(network, seed=3))
    assert found.abs().max() > 0
    assert distance(found.numpy(), twins.numpy()).max() < 1e-6


CONTROLS = [name for name in EXPLAINERS if SUBMISSIONS[name].control]


@pytest.mark.parametrize("name", CONTROLS)
def test_controls_say_the_same_of_models_that_have_nothing_in_common_but_their_shape(name):
    found = [explain(name, model) for model in (uniform(), types_swapped(uniform()), trained("minimal"))]
    assert found[0].abs().max() > 0
    assert all(torch.equal(found[0], other) for other in found[1:])


def test_the_attention_row_and_rollout_differ_only_where_there_are_more_layers():
    for family in ("minimal", "two-layer"):
        network = trained(family)
        alike = torch.allclose(explain("attention-row", network), explain("attention-rollout", network))
        assert alike == (family == "minimal")
