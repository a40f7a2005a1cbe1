"""`litellm.model_list`, `litellm.anthropic_models` and the like, computed from the catalog when they are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import cache, partial
from typing import Any

from tollbridge.catalog.facts import catalog
from tollbridge.compat.litellm import unbuilt
from tollbridge.errors import BadRequestError
from tollbridge.model.json import JsonObject
from tollbridge.providers.table import ROWS
from tollbridge.sdk.model_info import model_cost, register_model

_LISTS = {
    "open_ai_chat_completion_models": "openai",
    "anthropic_models": "anthropic",
    "cohere_models": "cohere",
    "openrouter_models": "openrouter",
    "bedrock_models": "bedrock",
    "deepinfra_models": "deepinfra",
    "perplexity_models": "perplexity",
    "gemini_models": "gemini",
    "groq_models": "groq",
    "mistral_chat_models": "mistral",
    "deepseek_models": "deepseek",
    "xai_models": "xai",
    "ai21_chat_models": "ai21",
    **{f"{provider}_models": provider for provider in unbuilt.MODELS_OF},
}


_OF_A_SIZE = re.compile(r"(^|/)(\d+-x-\d+|max-x-max|\d+x\d+)/")
"""In the name of a price of images, which is no name of a model."""


def models_of(provider: str) -> list[str]:
    """Those that can be asked for."""
    known = catalog()
    return [
        name
        for name in known.names()
        if (known.provider_of(name) == provider or _is_below(name, provider)) and not _OF_A_SIZE.search(name)
    ]


def _is_below(name: str, provider: str) -> bool:
    return name.startswith(f"{provider}/")


def model_list() -> list[str]:
    return list(model_cost)


def provider_list() -> list[str]:
    return sorted(ROWS)


def models_by_provider() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in catalog().names():
        provider = catalog().provider_of(name) or name.partition("/")[0]
        found.setdefault(provider, []).append(name)
    return found


PLAIN = "openai"
"""Whose models have names without a provider before them, too."""
_WINDOW = re.compile(r"-\d+k$")


@cache
def longer_context() -> dict[str, str]:
    """A model -> the same with a longer window, where its vendor says so in the name: `gpt-4` -> `gpt-4-32k`."""
    names = set(catalog().names())
    found: dict[str, str] = {}
    for longer in sorted(names):
        shorter = _WINDOW.sub("", longer)
        if shorter != longer and shorter in names:
            found[shorter] = longer
            if catalog().provider_of(shorter) == PLAIN or _is_below(shorter, PLAIN):
                found[shorter.removeprefix(f"{PLAIN}/")] = longer.removeprefix(f"{PLAIN}/")
    return found


LISTS: Mapping[str, Callable[[], Any]] = {
    **{name: partial(models_of, provider) for name, provider in _LISTS.items()},
    "model_list": model_list,
    "model_list_set": lambda: set(model_list()),
    "provider_list": provider_list,
    "models_by_provider": models_by_provider,
    "longer_context_model_fallback_dict": longer_context,
}


class MutableCosts(MutableMapping[str, JsonObject]):
    """`litellm.model_cost`: all models by name. Writing an entry registers it."""

    def __getitem__(self, name: str) -> JsonObject:
        return model_cost[name]

    def __setitem__(self, name: str, fields: JsonObject) -> None:
        register_model({name: fields})

    def __delitem__(self, name: str) -> None:
        raise BadRequestError(f"What is known of {name!r} cannot be taken away; register what is right.")

    def __iter__(self) -> Iterator[str]:
        return iter(model_cost)

    def __len__(self) -> int:
        return len(model_cost)

    def __contains__(self, name: object) -> bool:
        return name in model_cost

    def __repr__(self) -> str:
        return repr(model_cost)
