"""What no writer can grant: an effort that nobody knows is refused alike for each target, a choice among no tools is
told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.calls.test_told import HI, SAYS_NOTHING, prepared, told
from tests.wires.any_to_any.table import DIALECTS, MODELS, deployed
from tollbridge.errors import BadRequestError
from tollbridge.wires.wishes import EFFORTS

EFFORT: dict[str, tuple[str, Any]] = {
    "openai_chat": ("reasoning_effort", lambda word: {"reasoning_effort": word}),
    "openai_responses": ("reasoning.effort", lambda word: {"reasoning": {"effort": word}}),
    "anthropic_messages": ("output_config.effort", lambda word: {"output_config": {"effort": word}}),
    "gemini": (
        "generationConfig.thinkingConfig.thinkingLevel",
        lambda word: {"generationConfig": {"thinkingConfig": {"thinkingLevel": word}}},
    ),
}
CHOICE: dict[str, tuple[str, Any]] = {
    "openai_chat": ("$.tool_choice", {"tool_choice": "required"}),
    "openai_responses": ("$.tool_choice", {"tool_choice": {"type": "function", "name": "look"}}),
    "anthropic_messages": ("$.tool_choice", {"tool_choice": {"type": "any"}}),
    "gemini": (
        "$.toolConfig.functionCallingConfig",
        {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["a", "b"]}}},
    ),
}
PAIRS = [
    (dialect, model)
    for dialect in DIALECTS
    for model, name in MODELS.items()
    if deployed(name).for_dialect(dialect).wire.name != dialect
]


@pytest.mark.parametrize(("dialect", "model"), PAIRS)
def test_an_effort_that_nobody_knows_is_refused_with_the_words_there_are(dialect: str, model: str) -> None:
    place, said = EFFORT[dialect]
    with pytest.raises(BadRequestError) as refused:
        prepared(model, dialect, **{**SAYS_NOTHING[dialect], **said("hihg")})
    assert refused.value.param == place
    assert f"`hihg` - at `$.{place}`" in refused.value.message
    assert all(f"`{word}`" in refused.value.message for word in EFFORTS)


@pytest.mark.parametrize(("dialect", "model"), PAIRS)
def test_the_words_there_are_pass(dialect: str, model: str) -> None:
    for word in (*EFFORTS, "default"):
        prepared(model, dialect, **{**SAYS_NOTHING[dialect], **EFFORT[dialect][1](word)})


def test_a_word_for_what_is_so_anyway_says_nothing() -> None:
    assert b"thinking" not in prepared("anthropic", messages=HI, reasoning_effort="default").outgoing.body
    assert b"budget" not in prepared("anthropic", messages=HI, reasoning_effort="disable").outgoing.body


def test_a_vendors_own_format_judges_its_words_itself() -> None:
    assert b'"hihg"' in prepared("openai-reasoning", messages=HI, reasoning_effort="hihg").outgoing.body


@pytest.mark.parametrize(("dialect", "model"), PAIRS)
def test_a_choice_among_no_tools_is_told(dialect: str, model: str) -> None:
    place, said = CHOICE[dialect]
    assert list(told(prepared(model, dialect, **{**SAYS_NOTHING[dialect], **said}))) == [place]


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_to_call_none_of_no_tools_is_no_loss(choice: str) -> None:
    for model in ("anthropic", "gemini", "openai-responses", "cohere", "ollama", "replicate", "bedrock-nova"):
        assert prepared(model, strict=True, messages=HI, tool_choice=choice).caveats == ()
