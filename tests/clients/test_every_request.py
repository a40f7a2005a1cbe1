"""Every recorded request, sent to *another* format's provider: what goes upstream must be what that provider's own SDK
could have sent, to the last field. The SDK's types are the judge, with unknown fields forbidden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import message_create_params as claude
from openai.types.chat import completion_create_params as chat
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tests.clients import said
from tests.clients.running import Upstream, chat_entries, configuration_of, gemini_entries, messages_entries
from tests.server.served import Served, served

STRICT = ConfigDict(extra="forbid")
TYPES: dict[str, dict[bool, TypeAdapter[Any]]] = {
    "messages": {
        False: TypeAdapter(list[claude.MessageCreateParamsNonStreaming], config=STRICT),
        True: TypeAdapter(list[claude.MessageCreateParamsStreaming], config=STRICT),
    },
    "chat": {
        False: TypeAdapter(list[chat.CompletionCreateParamsNonStreaming], config=STRICT),
        True: TypeAdapter(list[chat.CompletionCreateParamsStreaming], config=STRICT),
    },
}
# Models that came before the newest SDK's types take these.
OLDER = {"temperature", "top_p", "top_k"}
REFUSED = {"anthropic-messages-15aca11fcc37": "its tool result has no call before it"}
TARGETS = {"messages": (messages_entries(), "anthropic"), "chat": (chat_entries(), "openai")}
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}


@cache
def target(format: str, streamed: bool) -> dict[str, Any]:
    """An exchange whose answer is in this format: its id is the model to ask."""
    entries, provider = TARGETS[format]
    for entry in entries:
        if entry["provider"] == provider and entry["status"] == 200 and bool(entry["stream_format"]) == streamed:
            return entry
    raise LookupError(format)


def requests(format: str) -> Iterator[tuple[str, dict[str, Any]]]:
    sources = {"messages": messages_entries, "chat": chat_entries, "gemini": gemini_entries}
    for entry in sources[format]():
        body = said.recording(entry["id"]).get("request_body")
        if entry["status"] == 200 and entry["endpoint"] != "messages.count_tokens" and isinstance(body, dict):
            yield entry["id"], body


def walked(value: Any) -> Any:
    """Iterables are validated only while they are read. The anthropic SDK takes an answer's blocks as models too, which
    allow any field: what fits only those does not count."""
    if isinstance(value, BaseModel):
        raise ValueError(f"a {type(value).__name__} with fields of no request: {value.model_dump(exclude_unset=True)}")
    if isinstance(value, dict):
        return {key: walked(inner) for key, inner in value.items()}
    return [walked(inner) for inner in value] if hasattr(value, "__iter__") and not isinstance(value, str) else value


def complaints(format: str, body: dict[str, Any]) -> list[str]:
    if format == "messages":
        body = {key: value for key, value in body.items() if key not in OLDER}
    try:
        walked(TYPES[format][body.get("stream", False)].validate_python([body]))
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()[:3]]
    except ValueError as error:
        return [str(error)]
    return []


async def send(gateway: Served, replay: Upstream, id: str, body: dict[str, Any], source: str, to: str) -> list[str]:
    replay.forget()
    model = target(to, bool(body.get("stream")))["id"]
    if source == "gemini":
        answer = await gateway.post(f"/v1beta/models/{model}:generateContent", body)
    else:
        answer = await gateway.post(PATHS[source], {**body, "model": model})
    if id in REFUSED:
        return [] if answer.status == 400 else [f"{answer.status} where it should be refused"]
    if answer.status != 200:
        return [f"{answer.status}: {answer.body[:300]!r}"]
    return complaints(to, replay.last()["body"])


@pytest.mark.parametrize(
    ("source", "to"), [("chat", "messages"), ("messages", "chat"), ("gemini", "chat"), ("gemini", "messages")]
)
async def test_every_recorded_request_goes_out_as_the_vendors_sdk_could_have_sent_it(
    source: str, to: str, replay_server: Upstream, tmp_path: Path
) -> None:
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    targets = [target(to, streamed) for streamed in (False, True)]
    async with served(configuration_of(targets, replay_server.url), tmp_path, environ={}) as gateway:
        for id, body in requests(source):
            wrong += [f"{id} {line}" for line in await send(gateway, replay_server, id, body, source, to)]
            counts[id.split("-")[0]] += 1
    print(f"\n{source} -> {to}: {sum(counts.values())} requests, {dict(counts)}")
    assert not wrong, "\n".join(wrong)


def test_the_judge_sees_an_unknown_field_however_deep() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [tool]}
    assert complaints("chat", body) == []
    assert complaints("chat", {**body, "tools": [{**tool, "cache_control": {}}]})
    block = {"type": "text", "text": "Hi", "position": 1}
    assert complaints("messages", {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [block]}]})
