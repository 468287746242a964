"""The reference model: whole, cut at any site, and held against an independent implementation."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from simplibench.models import PARTS, Site, Transformer, load_reference, read_rows, row_indices, write_rows
from simplibench.tasks import Architecture

SHAPE = Architecture(layers=3, heads=2, width=16, head_width=8, mlp_width=32, vocabulary=11, context=20)
SITES = [Site(layer, part) for layer in range(3) for part in PARTS]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Transformer(SHAPE).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def tokens():
    return torch.randint(0, 11, (4, 17), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def at():
    return torch.tensor([[3, 9], [0, 16], [5, 5], [1, 2]])


@pytest.mark.parametrize("site", SITES, ids=str)
def test_prefix_and_suffix_give_the_logits_of_the_whole(model, tokens, site):
    logits = model.suffix(model.prefix(tokens, site))
    assert torch.allclose(logits, model(tokens), atol=1e-5)


@pytest.mark.parametrize("site", SITES, ids=str)
def test_asked_positions_get_the_logits_of_the_whole(model, tokens, at, site):
    logits = model.suffix(model.prefix(tokens, site, at), at)
    expected = model(tokens).gather(1, at[..., None].expand(-1, -1, 11))
    assert torch.allclose(logits, expected, atol=1e-5)
    assert torch.allclose(model(tokens, at), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (Site(3, "pattern"), "the network has layers 0 to 2, got 3"),
        (Site(0, "value"), "its layers can be cut at mlp, pattern, query.key, residual, not value"),
    ],
)
def test_a_site_that_the_network_does_not_have_is_named(model, tokens, site, message):
    with pytest.raises(ValueError, match=message):
        model.prefix(tokens, site)


@pytest.mark.parametrize("site", SITES, ids=str)
def test_reading_rows_and_putting_them_back_changes_nothing(model, tokens, site):
    cut = model.prefix(tokens, site)
    every = torch.arange(tokens.numel())
    where = row_indices(site, every, every)
    back = write_rows(cut, where, read_rows(cut, where, SHAPE.context))
    assert torch.equal(model.suffix(back), model.suffix(cut))


@pytest.mark.parametrize("site", SITES, ids=str)
def test_replaced_rows_change_the_logits(model, tokens, site):
    cut = model.prefix(tokens, site)
    every = torch.arange(tokens.numel())
    where = row_indices(site, every, every)
    rows = {name: stream.flip(1) for name, stream in read_rows(cut, where, SHAPE.context).items()}
    assert not torch.allclose(model.suffix(write_rows(cut, where, rows)), model.suffix(cut), atol=1e-3)


def test_padding_never_reaches_a_real_position(model, tokens):
    padded = tokens.clone()
    padded[:, 10:] = 0
    assert torch.allclose(model(padded)[:, :10], model(tokens)[:, :10], atol=1e-6)


def as_gpt2(model: Transformer) -> GPT2LMHeadModel:
    shape = model.shape
    config = GPT2Config(
        vocab_size=shape.vocabulary,
        n_positions=shape.context,
        n_embd=shape.width,
        n_layer=shape.layers,
        n_head=shape.heads,
        n_inner=shape.mlp_width,
        activation_function="gelu_new",
        tie_word_embeddings=False,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=1,
    )
    other = GPT2LMHeadModel(config).eval()
    weights = {
        "transformer.wte.weight": model.token.weight,
        "transformer.wpe.weight": model.position.weight,
        "transformer.ln_f.weight": model.norm.weight,
        "transformer.ln_f.bias": model.norm.bias,
        "lm_head.weight": model.unembed.weight,
    }
    for index, block in enumerate(model.blocks):
        joined = (block.query, block.key, block.value)
        pairs = {"ln_1": block.attention_norm, "ln_2": block.mlp_norm}
        for name, layer in pairs.items():
            weights |= {f"transformer.h.{index}.{name}.{kind}": getattr(layer, kind) for kind in ("weight", "bias")}
        weights[f"transformer.h.{index}.attn.c_attn.weight"] = torch.cat([one.weight.T for one in joined], 1)
        weights[f"transformer.h.{index}.attn.c_attn.bias"] = torch.cat([one.bias for one in joined])
        for name, layer in {"attn.c_proj": block.output, "mlp.c_fc": block.mlp[0], "mlp.c_proj": block.mlp[2]}.items():
            weights[f"transformer.h.{index}.{name}.weight"] = layer.weight.T
            weights[f"transformer.h.{index}.{name}.bias"] = layer.bias
    other.load_state_dict(weights)
    return other


def test_the_whole_agrees_with_an_independent_gpt2(model, tokens):
    with torch.no_grad():
        assert torch.allclose(model(tokens), as_gpt2(model)(tokens).logits, atol=1e-4)


def test_a_shipped_reference_agrees_with_an_independent_gpt2(task):
    reference = load_reference(task, 0).model
    tokens = torch.randint(0, 42, (2, 300), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        assert torch.allclose(reference(tokens), as_gpt2(reference)(tokens).logits, atol=1e-4)
