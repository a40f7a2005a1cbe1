"""What a client says that it could as well have left unsaid: nothing is lost where it does not arrive.

SDKs and tools send whole objects: `logit_bias: {}`, `n: 1`, `safetySettings: []`. Each value here is what its vendor
documents as the default of the field, and asks for nothing that a model of another vendor does not do as well when it
is asked for nothing: no penalty, one answer, no tools, an answer in text. Temperatures are not here: their defaults
differ from vendor to vendor.

https://platform.openai.com/docs/api-reference/chat/create and .../responses/create,
https://platform.claude.com/docs/en/api/messages/create, https://ai.google.dev/api/generate-content#generationconfig
(seen 2026-11-27)
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.model.json import Json
from tollbridge.wires.dialects import CHAT, GEMINI, MESSAGES, RESPONSES

_TEXT = {"type": "text"}
_OPENAIS: Mapping[str, tuple[Json, ...]] = {
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "parallel_tool_calls": (True,),
    "service_tier": ("auto", "default"),
    "tool_choice": ("auto",),
    "top_logprobs": (0,),
    "stream": (False,),
}
_DEFAULTS: Mapping[str, Mapping[str, tuple[Json, ...]]] = {
    CHAT: {
        **_OPENAIS,
        "function_call": ("auto",),
        "logprobs": (False,),
        "modalities": (["text"],),
        "n": (1,),
        "response_format": (_TEXT,),
        "store": (False,),
        "stream_options": ({"include_usage": False},),
        "verbosity": ("medium",),
    },
    RESPONSES: {
        **_OPENAIS,
        "background": (False,),
        "store": (True, False),  # which of them, is for the gateway: nobody else keeps responses
        "text.format": (_TEXT,),
        "text.verbosity": ("medium",),
        "truncation": ("disabled",),
    },
    MESSAGES: {
        "service_tier": ("auto",),
        "tool_choice.disable_parallel_tool_use": (False,),
    },
    GEMINI: {
        "generationConfig.candidateCount": (1,),
        "generationConfig.frequencyPenalty": (0,),
        "generationConfig.presencePenalty": (0,),
        "generationConfig.mediaResolution": ("MEDIA_RESOLUTION_UNSPECIFIED",),
        "generationConfig.responseLogprobs": (False,),
        "generationConfig.responseMimeType": ("text/plain",),
        "generationConfig.responseModalities": (["TEXT"], ["Text"], ["text"]),
        "generationConfig.thinkingConfig": ({"includeThoughts": False}, {"include_thoughts": False}),
        "serviceTier": ("standard",),
        "toolConfig.functionCallingConfig": ({"mode": "AUTO"}, {"mode": "MODE_UNSPECIFIED"}),
    },
}
"""By dialect: a place in the client's body, and what says nothing there."""

_WISHES = frozenset({"web_search_options"})
"""Fields that ask for something by being there, though they are empty."""


_ANYWAY: Mapping[str, Mapping[str, tuple[Json, ...]]] = {
    "reasoning": {
        "reasoning_effort": ("none",),
        "reasoning": ({"effort": "none"}, {"enabled": False}),
        "thinking": ({"type": "disabled"},),
        "reasoning.effort": ("none",),
        "output_config.effort": ("none",),
        "generationConfig.thinkingConfig": ({"thinkingBudget": 0}, {"thinkingBudget": 0, "includeThoughts": False}),
    },
}
"""By a word of `FEATURES`: what a model that lacks it does anyway."""


def says_nothing(dialect: str, place: str, value: Json, lacks: frozenset[str] = frozenset()) -> bool:
    """Whether a model that is not told this does the same. `place`: without `$.`; `lacks`: what the model cannot do."""
    if value is None or value in ({}, [], ""):
        return place not in _WISHES
    if value in _DEFAULTS.get(dialect, {}).get(place, ()):
        return True
    return any(value in _ANYWAY[feature].get(place, ()) for feature in lacks & _ANYWAY.keys())
