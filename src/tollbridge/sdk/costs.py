"""What a call cost, in dollars: `completion_cost` and `cost_per_token`, with LiteLLM's signatures.

The arithmetic is that of the gateway (`catalog.pricing`), on integers; a float is made of the result alone. Local and
offline models cost 0.0. A price that is not known raises UnknownPrice: no number stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tollbridge.catalog.price_names import is_price, prices_of
from tollbridge.catalog.pricing import Tariff, own_list
from tollbridge.catalog.tokens import count_text
from tollbridge.errors import BadRequestError, NotFoundError, UnknownPrice
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.money import write_dollars
from tollbridge.model.response import Usage
from tollbridge.sdk.body import plain
from tollbridge.sdk.checked import amount_or_none, count, count_or_none, several, table, text, wrong
from tollbridge.sdk.price_list import PRICES
from tollbridge.sdk.token_counts import token_counter
from tollbridge.sdk.usages import FORMATS, read_usage, told_by

PER_MILLION = 1_000_000


def completion_cost(
    completion_response: object = None,
    model: str | None = None,
    prompt: str = "",
    messages: Sequence[object] = (),
    completion: str = "",
    total_time: float | None = None,
    call_type: str | None = None,
    custom_llm_provider: str | None = None,
    *,
    custom_cost_per_token: Mapping[str, float] | None = None,
    custom_cost_per_second: float | None = None,
    base_model: str | None = None,
    service_tier: str | None = None,
    region_name: str | None = None,
    **_others: object,
) -> float:
    """Dollars for an answer: ours, or another's as a dictionary or an object with `model_dump` (`usages` has the
    formats; where one does not name its model, `model` does). Without one, for `prompt` (or `messages`) and
    `completion`, whose tokens are counted here.

    `model`, `base_model`, `custom_llm_provider` say whose prices; else the answer does. `total_time`: seconds, for a
    model that is paid by time. `region_name`: AWS's, else the environment's. `custom_cost_per_token`:
    `input_cost_per_token` and `output_cost_per_token`.
    Raises UnknownPrice.
    """
    hidden: JsonObject = getattr(completion_response, "_hidden_params", None) or {}
    messages = several(messages, "messages")
    prompt, completion = text(prompt, "prompt"), text(completion, "completion")
    overrides = (model, base_model, custom_llm_provider, custom_cost_per_token, custom_cost_per_second, service_tier)
    if hidden.get("response_cost") is not None and not any(overrides):
        return float(hidden["response_cost"])
    answer = _plain(completion_response)
    told = told_by(answer)
    name = text(base_model, "base_model") or text(model, "model") or told.model
    provider = custom_llm_provider or (None if base_model or model else hidden.get("custom_llm_provider"))
    usage = told.usage
    if usage is None:
        if completion_response is not None and not prompt and not messages:
            raise _no_usage("pass the `prompt` or the `messages` too")
        if answer and "choices" not in answer and not completion:
            raise _no_usage("pass what it said as `completion` too")
        usage = _counted(name, prompt, messages, completion or _text(answer))
    milliseconds = getattr(completion_response, "_response_ms", None)
    seconds = amount_or_none(total_time, "total_time") or (None if milliseconds is None else milliseconds / 1000)
    tariff = _custom(custom_cost_per_token, custom_cost_per_second) or _tariff(name, provider, region_name)
    return write_dollars(_priced(tariff, name, usage, text(service_tier, "service_tier") or told.service_tier, seconds))


def cost_per_token(
    model: str = "",
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    response_time_ms: float | None = None,
    custom_llm_provider: str | None = None,
    *,
    cache_creation_input_tokens: int | None = None,
    cache_read_input_tokens: int | None = None,
    custom_cost_per_token: Mapping[str, float] | None = None,
    custom_cost_per_second: float | None = None,
    usage_object: object = None,
    service_tier: str | None = None,
    region_name: str | None = None,
    **_others: object,
) -> tuple[float, float]:
    """(dollars for the prompt, dollars for the completion). `prompt_tokens` is the total; the two of the cache are
    parts of it. What is not by the token (a search, time) is with the completion. Raises UnknownPrice."""
    counted = Usage(
        input=count(prompt_tokens, "prompt_tokens"),
        output=count(completion_tokens, "completion_tokens"),
        cache_read=count_or_none(cache_read_input_tokens, "cache_read_input_tokens"),
        cache_write=count_or_none(cache_creation_input_tokens, "cache_creation_input_tokens"),
    )
    usage = counted if usage_object is None else _told(usage_object)
    model, service_tier = text(model, "model"), text(service_tier, "service_tier") or None
    response_time_ms = amount_or_none(response_time_ms, "response_time_ms")
    tariff = _custom(custom_cost_per_token, custom_cost_per_second) or _tariff(model, custom_llm_provider, region_name)
    seconds = None if response_time_ms is None else response_time_ms / 1000
    whole = _priced(tariff, model, usage, service_tier, seconds)
    lines = tariff.lines(usage, service_tier)
    read = sum(line.units * (line.rate or 0) for line in lines if line.kind in _READ)
    prompt = min(whole, (read + PER_MILLION // 2) // PER_MILLION)
    return write_dollars(prompt), write_dollars(whole - prompt)


_READ = frozenset(
    {"input", "cache_read", "cache_write", "cache_write_1h", "audio_input", "audio_cache_read"}
    | {"image_input", "image_cache_read"}
)


def batch_answer_nanousd(answer: JsonObject, model: str | None, provider: str | None) -> int:
    """Of one answer of a batch. Raises UnknownPrice."""
    told = told_by(answer)
    if told.usage is None:
        raise UnknownPrice("An answer of the batch tells no usage.", kind="usage")
    name = model or told.model
    return _priced(_tariff(name, provider), name, told.usage, "batch", None, "Say it with `register_model`.")


def _no_usage(mend: str) -> UnknownPrice:
    return UnknownPrice(f"The answer tells no usage in a format that is known here ({FORMATS}); {mend}.", kind="usage")


_SAY_IT = "Say it with `register_model`, or pass `custom_cost_per_token`."


def _priced(
    tariff: Tariff, model: str, usage: Usage, tier: str | None, seconds: float | None, hint: str = _SAY_IT
) -> int:
    try:
        return tariff.price(usage, tier, seconds)
    except UnknownPrice as error:
        raise UnknownPrice(f"{model}: {error.message} {hint}", kind=error.kind) from None


def _tariff(model: str, provider: str | None, region: str | None = None) -> Tariff:
    if not model:
        raise BadRequestError("Say which model (`model=`): the answer does not name one.", param="model")
    try:
        return PRICES.tariff(PRICES.named(model, provider, region))
    except NotFoundError as error:
        raise UnknownPrice(error.message) from error


def _told(usage_object: object) -> Usage:
    usage = read_usage(_plain(usage_object))
    if usage is None:
        wrong(usage_object, "usage_object", f"the usage of an answer ({FORMATS})")
    return usage


def _custom(per_token: Mapping[str, float] | None, per_second: float | None) -> Tariff | None:
    said = dict(table(per_token, "custom_cost_per_token"))
    unknown = next((field for field in said if not is_price(field)), None)
    if unknown is not None:
        wrong(unknown, "custom_cost_per_token", "by the names of prices, such as `input_cost_per_token`")
    if per_second is not None:
        said["input_cost_per_second"] = per_second
    if not said:
        return None
    try:
        return Tariff(own_list(prices_of(said), {}), "call")
    except ValueError as error:
        raise BadRequestError(f"`{error}`", param="custom_cost_per_token") from error


def _plain(answer: object) -> JsonObject:
    made = {} if answer is None else plain(answer)
    if isinstance(made, dict):
        return made
    raise BadRequestError("The answer must be one of ours, a dictionary, or an object with `model_dump`.")


def _counted(model: str, prompt: str, messages: Sequence[object], completion: str) -> Usage:
    read = token_counter(model, messages=messages) if messages else count_text(prompt, model)
    return Usage(input=read, output=count_text(completion, model))


def _text(answer: JsonObject) -> str:
    texts = []
    for message in (_of(choice, "message") for choice in _listed(answer, "choices")):
        texts += [_of(message, "content"), _of(message, "reasoning_content")]
        texts += [_of(_of(call, "function"), "arguments") for call in _listed(message, "tool_calls")]
    return "\n".join(said for said in texts if isinstance(said, str) and said)


def _of(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None


def _listed(value: Json, name: str) -> list[Json]:
    found = _of(value, name)
    return found if isinstance(found, list) else []
