"""What a call asks for, as values: one `Order` for the model asked for and one for each fallback.

A fallback by name gets the call's parameters. What says who answers (key, address, headers, `extra_body`) goes along
only to the same provider: a key is never sent to another one than it was given for. A fallback that is a dictionary has
parameters of its own over these; where it says anything about who answers, it says all of it. A mock stands for the
model that it was given for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tollbridge.calls.build import WIRES
from tollbridge.calls.own_fields import left_out
from tollbridge.calls.said import count
from tollbridge.calls.told import refusal
from tollbridge.catalog.price_names import is_price
from tollbridge.errors import BadRequestError, NotFoundError, UnsupportedParamsError
from tollbridge.model.response import Caveat
from tollbridge.model.tasks.task import Upload
from tollbridge.sdk.body import plain
from tollbridge.sdk.order import Order, flag, is_mocked, read_order, table
from tollbridge.sdk.parameters import EXTRAS, FOR_PROVIDERS, MOCK_DELAY, MOCKS, REFUSED, WHO, WITHOUT_EFFECT
from tollbridge.sdk.whose import located
from tollbridge.wires.anthropic_messages.betas import asks_for_its_fallbacks
from tollbridge.wires.base import Wire
from tollbridge.wires.dialects import MESSAGES
from tollbridge.wires.openai_chat import OPENAI_CHAT

NAMES_MAX = 1_000


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """`orders`: the model asked for, then all that may be fallen back to. `fallbacks`: names of orders, tried in order.
    `larger`: name -> the name to go to when the request is too long for its window. `retries`: None where the caller
    did not say. `dialect`: the format of the orders' bodies, of a `task` or of a conversation; `uploads`:
    files that go with them."""

    orders: tuple[Order, ...]
    fallbacks: tuple[str, ...]
    larger: Mapping[str, tuple[str, ...]]
    stream: bool
    include_usage: bool
    strict: bool
    retries: int | None
    caveats: tuple[Caveat, ...]
    dialect: Wire = OPENAI_CHAT
    task: bool = False
    uploads: tuple[tuple[str, Upload], ...] = ()


def read_call(model: str, messages: object, stream: bool | None, parameters: Mapping[str, object]) -> Call:
    """Of a chat. Raises BadRequestError that names the parameter."""
    said = {name: value for name, value in parameters.items() if value is not None}
    said["messages"] = _messages(messages)
    if stream:
        said["stream"] = True
    return _read(model, said, stream=bool(stream), dialect=OPENAI_CHAT)


def read_spoken(
    model: str, dialect: str, fields: Mapping[str, object], stream: bool | None, parameters: Mapping[str, object]
) -> Call:
    """Of a conversation in another dialect than chat's. Raises BadRequestError that names the parameter."""
    said = {name: value for name, value in {**parameters, **fields}.items() if value is not None}
    for name in MOCKS:
        if name in said:
            raise BadRequestError(f"`{name}` is a parameter of `completion` alone.", param=name)
    wire = WIRES[dialect]
    if stream and not wire.in_path:
        said["stream"] = True
    if dialect == MESSAGES and asks_for_its_fallbacks(plain(said.get("fallbacks")), _betas(said)):
        said["extra_body"] = {**table(said, "extra_body"), "fallbacks": said.pop("fallbacks")}
    return _read(model, said, stream=bool(stream), dialect=wire)


def read_task(
    model: str,
    dialect: str,
    fields: Mapping[str, object],
    parameters: Mapping[str, object],
    uploads: Sequence[tuple[str, Upload]] = (),
) -> Call:
    """Of a task. `fields`: of the body, by their names. Raises BadRequestError that names the parameter."""
    said = {name: value for name, value in {**parameters, **fields}.items() if value is not None}
    for name in (*MOCKS, "stream"):
        if name in said:
            raise BadRequestError(f"`{name}` is not a parameter of this call.", param=name)
    call = _read(model, said, stream=False, dialect=WIRES[dialect])
    return msgspec.structs.replace(call, task=True, uploads=tuple(uploads))


def _read(model: str, said: dict[str, object], *, stream: bool, dialect: Wire) -> Call:
    caveats = take_ineffective(said)
    strict = flag(said, "strict")
    if strict and caveats:
        told = refusal(caveats[0])
        raise UnsupportedParamsError(f"{told}. Do not pass it where you ask for `strict`.", param="strict")
    orders = [read_order(model, said, dialect=dialect.name)]
    fallbacks = [_fall_back(item, said, orders, dialect) for item in fallbacks_of(said)]
    larger = {}
    for small, large in table(said, "context_window_fallback_dict").items():
        known = next((order.name for order in orders if order.name == large), None)
        larger[small] = (known or _fall_back(large, said, orders, dialect),)
    options = said.get("stream_options")
    return Call(
        orders=tuple(orders),
        fallbacks=tuple(fallbacks),
        larger=larger,
        stream=stream,
        include_usage=isinstance(options, Mapping) and options.get("include_usage") is True,
        strict=strict,
        retries=retries_of(said),
        caveats=caveats,
        dialect=dialect,
    )


def provider_name(model: str, provider: str | None, api_base: str | None) -> str:
    """Whose a model is; "" where nobody is known for it."""
    try:
        return located(model, provider, api_base)[0].name
    except NotFoundError:
        return ""


def take_ineffective(said: dict[str, object]) -> tuple[Caveat, ...]:
    """Takes out what has no effect, and calls a limit by its usual name. Raises for what cannot be left out."""
    for name in REFUSED.keys() & said.keys():
        raise BadRequestError(f"`{name}` is not a parameter here. {REFUSED[name]}", param=name)
    if "request_timeout" in said:
        said.setdefault("timeout", said.pop("request_timeout"))
    ineffective = sorted(WITHOUT_EFFECT & said.keys())
    if MOCK_DELAY in said and not is_mocked(said):
        ineffective.append(MOCK_DELAY)
    for name in ineffective:
        del said[name]
    return left_out(ineffective)


def _messages(value: object) -> list[object]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise BadRequestError("`messages` must be a list of messages.", param="messages")
    return list(value)


def _betas(said: Mapping[str, object]) -> str:
    headers = {**table(said, "headers"), **table(said, "extra_headers")}
    return ",".join(str(value) for name, value in headers.items() if str(name).lower() == "anthropic-beta")


def retries_of(said: Mapping[str, object]) -> int | None:
    return next((count(said[name], name) for name in ("num_retries", "max_retries") if name in said), None)


def fallbacks_of(said: Mapping[str, object]) -> Sequence[object]:
    value = said.get("fallbacks", ())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    raise BadRequestError("`fallbacks` must be a list of names or dictionaries.", param="fallbacks")


def _fall_back(item: object, said: Mapping[str, object], orders: list[Order], dialect: Wire) -> str:
    """Adds the order for a fallback, and tells its name."""
    asked = orders[0].place
    said_here = item if isinstance(item, Mapping) else {"model": item}
    own = {name: value for name, value in said_here.items() if value is not None}
    take_ineffective(own)
    model = own.pop("model", None) or asked.model
    shares = isinstance(model, str) and _shares_provider(model, own, orders[0])
    taken = {order.name for order in orders}
    name = next(name for name in (f"{model}", *(f"{model} ({i})" for i in range(2, NAMES_MAX))) if name not in taken)
    orders.append(read_order(model, {**inherited(said, shares), **own}, name, dialect=dialect.name))
    return name


def inherited(said: Mapping[str, object], shares: bool) -> dict[str, object]:
    """What of a call's parameters holds for a fallback. `shares`: it is at the same provider."""
    dropped: set[str] = {*MOCKS, *filter(is_price, said)}  # a price is of the model that it was given for
    if not shares:
        dropped.update(WHO, EXTRAS, (name for name in said if name.startswith(FOR_PROVIDERS)))
    return {name: value for name, value in said.items() if name not in dropped}


def _shares_provider(model: str, own: Mapping[str, object], order: Order) -> bool:
    if any(name in own for name in WHO):
        return False
    asked, named = order.place, provider_name(model, None, None)
    # A name that means nothing alone has its meaning from the call's own provider or address.
    return not named or named == provider_name(asked.model, asked.provider, asked.api_base)
