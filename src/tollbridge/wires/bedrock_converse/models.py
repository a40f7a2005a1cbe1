"""What a family of models takes of the Converse format, told from the model's name, where the `Target` does not say.

AWS refuses a field that a model does not know, by its name. Facts, seen 2026-11-26, and the recorded exchanges:
- what supports system prompts, tools, images: https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html
- tool choice: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html
- cache points: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
- schemas (`outputConfig`, `strict`): https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
- thinking of Nova 2: https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
Of a model that is not known here nothing is held back: the service says what it cannot do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from tollbridge.wires.anthropic_messages.models import Generation, generation

_ANY_CHOICE = frozenset({"any", "tool"})
Thinks = Literal["claude", "nova", "effort", "qwen", "no"]


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """`thinks`: how thinking is asked for. `choices`: the ways in which a call may be forced. `schema`: answers are
    held to a schema. `caches`: where a cache point may stand, `hour`: for an hour too. `status`: a tool's result may
    be an error. `rich_results`: pictures and files in a tool's result. `top_k`: the path of its field among the
    model's own; () where there is none."""

    thinks: Thinks = "no"
    system: bool = True
    stop: bool = True
    choices: frozenset[str] = _ANY_CHOICE
    schema: bool = False
    caches: frozenset[str] = frozenset()
    hour: bool = False
    status: bool = False
    rich_results: bool = False
    top_k: tuple[str, ...] = ()
    claude: Generation | None = None


_CLAUDE_CACHES = frozenset({"system", "messages", "tools"})
_NOVA = Family(
    caches=frozenset({"system", "messages"}), status=True, rich_results=True, top_k=("inferenceConfig", "topK")
)
_OPEN = Family(schema=True)
_FAMILIES: tuple[tuple[str, Family], ...] = (
    (r"amazon\.nova-2", msgspec.structs.replace(_NOVA, thinks="nova")),
    (r"amazon\.nova", _NOVA),
    (r"amazon\.titan", Family(system=False, choices=frozenset())),
    (r"meta\.llama4", Family(choices=frozenset(), rich_results=True)),
    (r"meta\.", Family(choices=frozenset())),
    (r"mistral\.(?:mistral-7b|mixtral)", Family(system=False, choices=frozenset(), top_k=("top_k",))),
    (r"mistral\.mistral-(?:large-2|small-2)", Family(choices=frozenset({"any"}))),
    (r"mistral\.pixtral", Family(choices=frozenset({"any"}))),
    (r"cohere\.command-(?:text|light)", Family(system=False, choices=frozenset(), top_k=("k",))),
    (r"cohere\.", Family(choices=frozenset(), top_k=("k",))),
    (r"ai21\.j2", Family(system=False, choices=frozenset())),
    (r"ai21\.", Family(choices=frozenset())),
    (r"writer\.", Family()),
    (r"deepseek\.r1", Family(choices=frozenset())),
    (r"openai\.", msgspec.structs.replace(_OPEN, thinks="effort")),
    (r"qwen\.", msgspec.structs.replace(_OPEN, thinks="qwen")),
    (r"(?:deepseek|google|minimax|mistral|moonshot|moonshotai|nvidia|zai)\.", _OPEN),
)
_PATTERNS = tuple((re.compile(pattern), family) for pattern, family in _FAMILIES)
_CLAUDE = re.compile(r"anthropic\.|claude")
_UNKNOWN = Family()
_OLD = generation("claude-3-opus")


def family_of(model: str) -> Family:
    """Of a model's name with or without a region's prefix, or of the ARN that holds it."""
    name = model.rpartition("/")[2]
    if _CLAUDE.search(name):
        facts = generation(name)
        return Family(
            thinks="claude",
            choices=_ANY_CHOICE if facts.forced else frozenset(),
            schema=facts.structured,
            caches=_CLAUDE_CACHES if facts.usual_output > _OLD.usual_output else frozenset(),
            hour=facts.structured or facts.mid_system,
            status=True,
            rich_results=True,
            top_k=("top_k",),
            claude=facts,
        )
    for pattern, family in _PATTERNS:
        if pattern.search(name):
            return family
    return _UNKNOWN


EFFORT: Mapping[str, str] = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high"}
"""The three levels that models with levels know, by the word that a client used."""
