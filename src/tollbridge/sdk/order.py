"""One model to ask, and the body to ask it with, read from a call's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tollbridge.calls.cache_points import CachePoint, read_points
from tollbridge.calls.said import seconds
from tollbridge.catalog.price_names import is_price, prices_of
from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json
from tollbridge.providers.azure_token import TOKEN_PROVIDER
from tollbridge.providers.table import ROWS
from tollbridge.sdk.body import plain, write_body
from tollbridge.sdk.parameters import CACHE_POINTS, FOR_PROVIDERS, MOCK_DELAY, MOCKS, OURS
from tollbridge.sdk.token_giver import TokenGiver
from tollbridge.sdk.whose import registered
from tollbridge.secret import Secret
from tollbridge.transport.base import Timeouts
from tollbridge.wires.dialects import CHAT, MESSAGES, RESPONSES

CONNECT_S = 5.0
TIMEOUT_S = 600.0  # as OpenAI's SDK
GAP_S = 300.0

_ROW_VALUES = frozenset(
    name
    for row in ROWS.values()
    for name in (*(value.given for value in (*row.holes.values(), *row.header_values.values())), *row.asks)
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """All that makes a deployment, as a value to find it by again. `extra`, `forced`: JSON. `tokens`: a function of
    the program's, beside them. `prices`: as `calls.build.Wanted`."""

    model: str
    provider: str | None = None
    api_key: Secret | None = None
    api_base: str | None = None
    api_version: str | None = None
    organization: str | None = None
    base_model: str | None = None
    extra: bytes = b"{}"
    tokens: TokenGiver | None = None
    forced: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    drops: frozenset[str] = frozenset()
    keeps: frozenset[str] = frozenset()
    timeouts: Timeouts = Timeouts()
    stream_timeouts: Timeouts = Timeouts()
    drop_params: bool | None = None
    modify_params: bool = False
    cache_points: tuple[CachePoint, ...] = ()
    prices: tuple[tuple[str, int], ...] = ()


class Mock(msgspec.Struct, frozen=True, kw_only=True):
    """`answer`: as `mock_response`, an exception too. `timeout`: nobody answers in time. `delay_s`: before it does."""

    answer: object
    tool_calls: Json = None
    timeout: bool = False
    delay_s: float = 0.0


METADATA_IS_SENT = frozenset({MESSAGES, RESPONSES})


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One model to ask, and the body to ask it with. `name` is the model's, made different where two are the same."""

    name: str
    place: Place
    body: bytes
    mock: Mock | None


def read_order(model: object, said: Mapping[str, object], name: str = "", *, dialect: str = CHAT) -> Order:
    """Raises BadRequestError that names the parameter."""
    if not isinstance(model, str) or not model:
        raise BadRequestError("`model` must be the name of a model.", param="model")
    body: dict[str, object] = {"model": model}
    extra: dict[str, object] = {}
    prices: dict[str, object] = {}
    for key, value in said.items():
        if key.startswith(FOR_PROVIDERS) or key in _ROW_VALUES:
            extra[key] = value
        elif is_price(key):
            prices[key] = value
        elif key not in OURS:
            body[key] = value
    if dialect not in METADATA_IS_SENT and body.get("store") is not True:
        body.pop("metadata", None)  # the caller's notes: docs/decisions/0004
    whole, stream = _timeouts(said)
    place = Place(
        model=model,
        provider=text(said, "custom_llm_provider") or registered(model),
        api_key=_key(said),
        api_base=text(said, "api_base") or text(said, "base_url"),
        api_version=text(said, "api_version"),
        organization=text(said, "organization"),
        base_model=text(said, "base_model"),
        tokens=_tokens(extra.pop(TOKEN_PROVIDER, None)),
        extra=write_body(extra),
        forced=write_body(table(said, "extra_body")),
        headers=_headers(said),
        drops=_words(said, "additional_drop_params"),
        keeps=_words(said, "allowed_openai_params"),
        timeouts=whole,
        stream_timeouts=stream,
        drop_params=flag(said, "drop_params") if "drop_params" in said else None,
        modify_params=flag(said, "modify_params"),
        cache_points=_cache_points(said.get(CACHE_POINTS)),
        prices=_prices(prices),
    )
    return Order(name=name or model, place=place, body=write_body(body), mock=_mock(said))


def _cache_points(said: object) -> tuple[CachePoint, ...]:
    if said is None:
        return ()
    try:
        return read_points(plain(said))
    except ValueError as error:
        raise BadRequestError(f"`{CACHE_POINTS}`: {error}.", param=CACHE_POINTS) from error


def _prices(said: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
    try:
        return tuple(prices_of(said).items())
    except (ValueError, LookupError, TypeError) as error:
        raise BadRequestError(f"`{error}`", param=next(iter(said))) from error


def _timeouts(said: Mapping[str, object]) -> tuple[Timeouts, Timeouts]:
    """(for whole answers, for streams), per attempt. A stream's timeout bounds its silences, not its length."""
    value = said.get("timeout")
    if value is None or isinstance(value, (int, float, str)):
        total = seconds_of(said, "timeout") or TIMEOUT_S
        connect = min(CONNECT_S, total)
        whole = Timeouts(connect_s=connect, first_byte_s=total, gap_s=min(GAP_S, total), total_s=total)
        silence = seconds_of(said, "stream_timeout") or total
        return whole, Timeouts(connect_s=connect, first_byte_s=silence, gap_s=min(GAP_S, silence))
    connect_s, read_s = getattr(value, "connect", None), getattr(value, "read", None)
    if connect_s is None and read_s is None:
        raise BadRequestError("`timeout` must be seconds.", param="timeout")
    limits = Timeouts(connect_s=connect_s or CONNECT_S, first_byte_s=read_s, gap_s=read_s)
    return limits, limits


def seconds_of(said: Mapping[str, object], name: str) -> float | None:
    value = said.get(name)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            pass  # `seconds` says what is wrong with it
    return None if value is None else seconds(value, name)


def is_mocked(said: Mapping[str, object]) -> bool:
    return any(said.get(name) not in (None, False) for name in MOCKS)


def _mock(said: Mapping[str, object]) -> Mock | None:
    if not is_mocked(said):
        return None
    answer = said.get("mock_response")
    if not isinstance(answer, BaseException) and not isinstance(answer, type):
        answer = plain(answer)
    return Mock(
        answer=answer,
        tool_calls=plain(said.get("mock_tool_calls")),
        timeout=flag(said, "mock_timeout"),
        delay_s=seconds_of(said, MOCK_DELAY) or 0.0,
    )


def _key(said: Mapping[str, object]) -> Secret | None:
    value = said.get("api_key")
    if isinstance(value, Secret):
        return value
    key = text(said, "api_key")
    return Secret(key) if key else None


def _tokens(value: object) -> TokenGiver | None:
    if value is None:
        return None
    if not callable(value):
        raise BadRequestError(f"`{TOKEN_PROVIDER}` must be a function that gives a token.", param=TOKEN_PROVIDER)
    return TokenGiver(value)


def _headers(said: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    given = {**table(said, "headers"), **table(said, "extra_headers")}
    return tuple((str(name), str(value)) for name, value in given.items() if value is not None)


def text(said: Mapping[str, object], name: str) -> str | None:
    value = said.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise BadRequestError(f"`{name}` must be a text.", param=name)


def flag(said: Mapping[str, object], name: str) -> bool:
    value = said.get(name, False)
    if isinstance(value, bool):
        return value
    raise BadRequestError(f"`{name}` must be True or False.", param=name)


def table(said: Mapping[str, object], name: str) -> Mapping[str, Json]:
    made = plain(said.get(name, {}))
    if isinstance(made, dict):
        return made
    raise BadRequestError(f"`{name}` must be a dictionary.", param=name)


def _words(said: Mapping[str, object], name: str) -> frozenset[str]:
    value = said.get(name, ())
    if isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(word, str) for word in value):
        return frozenset(value)
    raise BadRequestError(f"`{name}` must be a list of texts.", param=name)
