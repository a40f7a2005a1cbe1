"""Facts about models under LiteLLM's names: `get_model_info`, `register_model`, `model_cost`, `supports_*`.

Prices are dollars per unit here, as LiteLLM's users know them: for reading. Costs are computed from the integers that
they are made of (`sdk.costs`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tollbridge.catalog.facts import catalog
from tollbridge.catalog.told import told_facts
from tollbridge.errors import BadRequestError, NotFoundError
from tollbridge.model.json import Json, JsonObject
from tollbridge.sdk.price_list import PRICES, Named


def get_model_info(model: str, custom_llm_provider: str | None = None, **_others: object) -> JsonObject:
    """What is known of a model, in LiteLLM's fields: `max_input_tokens`, `max_output_tokens`, prices in dollars per
    unit, `supports_*` (None where nobody says), `mode`, `litellm_provider`. Raises NotFoundError for an unknown one."""
    named = PRICES.named(model, custom_llm_provider)
    known = PRICES.facts(named)
    if known is None:
        raise NotFoundError(
            f"Nothing is known of the model {model!r} of {named.provider}. Say it with `register_model`.",
            code="model_not_found",
            param="model",
        )
    return told_facts(model, known)


def get_max_tokens(model: str) -> int | None:
    """How much a model may write; where that is not known, how much it may read."""
    tokens: int | None = get_model_info(model)["max_tokens"]
    return tokens


def register_model(model_cost: Mapping[str, Mapping[str, Json]]) -> Mapping[str, JsonObject]:
    """Say, or correct, what models cost and can do, for this process: LiteLLM's fields by name. What is left out stays
    as it was. Returns all of them, as `tollbridge.model_cost`."""
    if not isinstance(model_cost, Mapping):
        raise BadRequestError("`register_model` takes a dictionary; nothing is fetched from an address.")
    PRICES.register(model_cost)
    return ModelCost()


class ModelCost(Mapping[str, JsonObject]):
    """All models by name, each read when it is asked for."""

    def __getitem__(self, name: str) -> JsonObject:
        try:
            return get_model_info(name)
        except NotFoundError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys([*catalog().names(), *map(_full, PRICES.registered())])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(name == other for other in self)

    def __repr__(self) -> str:
        return f"<{len(self)} models, prices of {catalog().date}>"


def _full(named: Named) -> str:
    return f"{named.provider}/{named.model}" if named.provider else named.model


model_cost = ModelCost()  # holds nothing itself


def _asks(feature: str) -> Callable[..., bool]:
    def supports(model: str, custom_llm_provider: str | None = None) -> bool:
        try:
            known = PRICES.facts(PRICES.named(model, custom_llm_provider))
        except NotFoundError:
            return False
        return known is not None and feature in known.features

    supports.__doc__ = f"Whether a model is known for `{feature}`: False also where nobody says."
    return supports


supports_function_calling = _asks("tools")
supports_parallel_function_calling = _asks("parallel_tools")
supports_tool_choice = _asks("tool_choice")
supports_vision = _asks("vision")
supports_pdf_input = _asks("pdf")
supports_audio_input = _asks("audio_input")
supports_audio_output = _asks("audio_output")
supports_video_input = _asks("video")
supports_reasoning = _asks("reasoning")
supports_response_schema = _asks("response_schema")
supports_prompt_caching = _asks("prompt_caching")
supports_system_messages = _asks("system")
supports_assistant_prefill = _asks("prefill")
supports_web_search = _asks("web_search")
supports_computer_use = _asks("computer_use")
supports_url_context = _asks("url_context")
