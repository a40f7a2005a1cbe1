"""What goes out for one ask: usage is always asked for, whoever wants it; a body of any shape is no error of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.errors import BadRequestError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.wires.openai_chat import OPENAI_CHAT

RELAYED, PATCHED = "openai/gpt-4o", "deepseek/deepseek-chat"


def deployment(model: str) -> Deployment:
    return build(Wanted(id="d", group="m", model=model, given=Given(api_key="k")), {}, ROWS)


def prepared(model: str, *, include_usage: bool = False, **fields: Any) -> Prepared:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True, **fields})
    ask = Ask(OPENAI_CHAT, body.encode(), peek(body.encode()), "m", stream=True, include_usage=include_usage)
    return prepare(ask, deployment(model))


@pytest.mark.parametrize("model", [RELAYED, PATCHED])
@pytest.mark.parametrize("include_usage", [True, False])
def test_usage_is_asked_for_in_any_case_and_hidden_where_nobody_wants_it(model: str, include_usage: bool) -> None:
    made = prepared(model, include_usage=include_usage, stream_options={"other": 1})
    sent = json.loads(made.outgoing.body)
    assert sent["stream_options"] == {"other": 1, "include_usage": True}
    assert made.hides_usage is not include_usage


@pytest.mark.parametrize("model", [RELAYED, PATCHED])
@pytest.mark.parametrize("options", ["x", 5, [1]])
def test_stream_options_of_another_shape_are_the_clients_error(model: str, options: Any) -> None:
    with pytest.raises(BadRequestError, match="stream_options"):
        prepared(model, stream_options=options)
