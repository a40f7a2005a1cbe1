"""`kwargs["additional_args"]` of a callback that hears of a call before it is made: what will be sent, and where.

`complete_input_dict` is the body in the provider's own words, `api_base` the address with its path, `headers` those
that go out, without a credential. Of a router's call, and of calls other than chats, nobody knows yet who will be
asked: the body is then as it was said, and there are no headers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tollbridge.calls.credentials import in_headers
from tollbridge.calls.prepare import prepare
from tollbridge.calls.redact import MASK, redact
from tollbridge.errors import APIError
from tollbridge.sdk.call import read_call
from tollbridge.sdk.deployments import Deployments
from tollbridge.sdk.engine import ask_of

CHATS = frozenset({"completion", "acompletion"})


def additional_args(call_type: str, model: str, said: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """`said`: all of the call. `body`: of it, what is no credential and no address. Of a mock there is nothing."""
    unknown = {"complete_input_dict": {"model": model, **body}, "api_base": address_of(said), "headers": {}}
    if call_type not in CHATS or not isinstance(said.get("messages"), Sequence):  # what is read once is the call's
        return unknown
    parameters = {name: value for name, value in said.items() if name not in ("messages", "stream")}
    try:
        call = read_call(model, said.get("messages"), said.get("stream"), parameters)
        order = call.orders[0]
        if order.mock is not None:
            return {}
        deployment = Deployments(os.environ).at(order.place)
        sent = prepare(ask_of(call, order), deployment).outgoing
    except APIError:  # the call itself says so
        return unknown
    hidden = deployment.hidden
    return {
        "complete_input_dict": msgspec.json.decode(redact(sent.body, hidden)),
        "api_base": f"{sent.origin.scheme}://{sent.origin.authority}{sent.target.partition('?')[0]}",
        "headers": {name: _masked(name, value, hidden) for name, value in sent.headers},
    }


def address_of(said: Mapping[str, Any]) -> str:
    """A query may be a key."""
    return str(said.get("api_base") or said.get("base_url") or "").partition("?")[0]


def _masked(name: str, value: str, hidden: tuple[str, ...]) -> str:
    if any(in_headers({name: value})) or any(secret and secret in value for secret in hidden):
        return MASK.decode()
    return value
