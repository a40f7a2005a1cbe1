"""What an answer says of its cost, in the words of whichever vendor it is from.

    chat                usage: prompt_tokens ...            model, service_tier
    Responses           usage: input_tokens_details ...     model, service_tier
    Messages            usage: input_tokens ...             model
    Gemini              usageMetadata: promptTokenCount     modelVersion; the tier is in the usage
    Converse            usage: inputTokens ...              no model; serviceTier: type
    Cohere              usage (older: meta): billed_units   no model
    Ollama              prompt_eval_count ...               model

Keys may be in snake_case where a vendor's own objects write them so.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage, is_count
from tollbridge.wires.anthropic_messages.usage import read_usage as read_anthropic
from tollbridge.wires.openai_chat.usage import read_usage as read_chat

FORMATS = "OpenAI's, Anthropic's, Gemini's, Bedrock Converse's, Cohere's and Ollama's"
_UNDER = ("usage", "usageMetadata", "usage_metadata", "meta")


class Told(msgspec.Struct, frozen=True):
    """`usage`: None where none is told. `model`: "" where the answer does not name one."""

    usage: Usage | None
    model: str
    service_tier: str | None


def told_by(answer: JsonObject) -> Told:
    said = next((answer[name] for name in _UNDER if isinstance(answer.get(name), dict)), answer)
    usage = read_usage(said, of_responses=answer.get("object") == "response")
    model = next((name for key in _MODELS if isinstance(name := answer.get(key), str)), "")
    return Told(usage, model, _tier(answer, said))


_MODELS = ("model", "modelVersion", "model_version")


def read_usage(said: JsonObject, *, of_responses: bool = False) -> Usage | None:
    """None where it is in nobody's words."""
    if "prompt_tokens" in said:
        return read_chat(said)
    if of_responses or "input_tokens_details" in said:
        return read_chat(as_chat_usage(said))
    if "input_tokens" in said:
        return read_anthropic(said)
    return next((read(said) for words, read in _OTHERS if any(_tells(said.get(word)) for word in words)), None)


def _tells(value: Json) -> bool:
    return is_count(value) or isinstance(value, dict)


def _read_gemini(said: JsonObject) -> Usage | None:
    from tollbridge.wires.gemini.usage import read_usage  # as below: whoever asks for none need not load it

    return read_usage(said)


def _read_converse(said: JsonObject) -> Usage | None:
    from tollbridge.wires.bedrock_converse.usage import read_usage

    return read_usage(said)


def _read_cohere(said: JsonObject) -> Usage | None:
    from tollbridge.wires.cohere.usage import read_usage

    return read_usage(said)


def _read_ollama(said: JsonObject) -> Usage | None:
    from tollbridge.wires.ollama.usage import take_usage

    return take_usage(dict(said))


_OTHERS: tuple[tuple[frozenset[str], Callable[[JsonObject], Usage | None]], ...] = (
    (frozenset({"promptTokenCount", "prompt_token_count", "totalTokenCount", "total_token_count"}), _read_gemini),
    (frozenset({"inputTokens"}), _read_converse),
    (frozenset({"billed_units", "tokens"}), _read_cohere),
    (frozenset({"prompt_eval_count", "eval_count"}), _read_ollama),
)
"""Words by which a usage is known for a format's."""


def as_chat_usage(said: JsonObject) -> JsonObject:
    """Usage of the Responses API, whose totals and parts are those of a chat under other names."""
    names = {
        "input_tokens": "prompt_tokens",
        "output_tokens": "completion_tokens",
        "input_tokens_details": "prompt_tokens_details",
        "output_tokens_details": "completion_tokens_details",
    }
    return {names.get(name, name): value for name, value in said.items()}


def _tier(answer: JsonObject, said: JsonObject) -> str | None:
    converse = answer.get("serviceTier")
    for tier in (
        answer.get("service_tier"),
        converse.get("type") if isinstance(converse, dict) else None,
        said.get("serviceTier"),
        said.get("service_tier") if said is answer.get("usage_metadata") else None,
    ):
        if isinstance(tier, str) and tier.lower() not in ("", "unspecified"):
            return tier.lower()
    return None
