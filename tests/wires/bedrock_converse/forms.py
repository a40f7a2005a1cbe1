"""The differences between what a client sent and what we send for the same request that mean nothing."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.wires.laws import NormalForm


def _without_nothings(body: Any) -> Any:
    for field in ("inferenceConfig", "additionalModelRequestFields", "system"):
        if body.get(field) in ({}, []):
            del body[field]
    if body.get("inferenceConfig", {}).get("stopSequences") == []:
        del body["inferenceConfig"]["stopSequences"]
        return _without_nothings(body)
    return body


def _joined_turns(body: Any) -> Any:
    joined: list[Any] = []
    for message in body["messages"]:
        if joined and joined[-1]["role"] == message["role"]:
            joined[-1]["content"] += message["content"]
        else:
            joined.append(message)
    body["messages"] = joined
    return body


def _without_auto(body: Any) -> Any:
    tools = body.get("toolConfig", {})
    if tools.get("toolChoice") == {"auto": {}}:
        del tools["toolChoice"]
    return body


def _without_success(body: Any) -> Any:
    for block in _blocks(body):
        result = block.get("toolResult", {})
        if result.get("status") == "success":
            del result["status"]
    return body


def _schema_as_value(body: Any) -> Any:
    schema = body.get("outputConfig", {}).get("textFormat", {}).get("structure", {}).get("jsonSchema")
    if schema is not None and isinstance(schema["schema"], str):
        schema["schema"] = msgspec.json.decode(schema["schema"])
    return body


def _blocks(body: Any) -> Any:
    return (block for message in body["messages"] for block in message["content"])


FORMS = (
    NormalForm("nothings", "an object or list of settings that is empty says nothing", request=_without_nothings),
    NormalForm("auto", "to choose among the tools by itself is what a model does unasked", request=_without_auto),
    NormalForm("success", "a result that is no error is one without saying so", request=_without_success),
    NormalForm("turns", "what somebody says in two messages, one after the other, is one turn", request=_joined_turns),
    NormalForm(
        "schema_text", "a schema is JSON in a text: the order of its keys means nothing", request=_schema_as_value
    ),
)
