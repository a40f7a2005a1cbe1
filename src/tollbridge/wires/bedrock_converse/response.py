"""An answer -> Response.

    {"output": {"message": {"role", "content": [...]}}, "stopReason", "usage", "metrics",
     "additionalModelResponseFields", "trace", "performanceConfig", "serviceTier"}

It has neither an id nor a model's name; both are known to who asked.
"""

from __future__ import annotations

from collections.abc import Iterable

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Part
from tollbridge.model.response import Choice, Finish, Response
from tollbridge.wires.bedrock_converse.read_blocks import calls_the_client, read_all
from tollbridge.wires.bedrock_converse.usage import read_usage
from tollbridge.wires.bedrock_converse.vocabulary import FINISH, NAME
from tollbridge.wires.stumble import STUMBLES, said

_OF_THE_ANSWER = frozenset({"additionalModelResponseFields", "trace"})
"""What is kept besides. `metrics` and `performanceConfig` tell how it was served, `p` hides its length."""


def read_response(body: Json) -> Response:
    """Raises BadGatewayError where the body is no answer of this format."""
    try:
        output = body["output"]  # each by itself, so that it can be said what lacks something
        message = output["message"]
        parts = read_all(message["content"])
        choice = Choice(
            parts=parts,
            finish=read_finish(body.get("stopReason"), parts),
            message_extra={key: value for key, value in message.items() if key not in ("role", "content")},
        )
        usage = read_usage(body.get("usage"), body.get("additionalModelResponseFields"))
    except STUMBLES as error:
        raise BadGatewayError(
            f"The provider's answer is not what the Converse format promises: {said(body, error)}.",
            body=body,
        ) from error
    return Response(choices=(choice,), usage=usage, origin=NAME, extra=read_extra(body))


def read_finish(reason: Json, parts: Iterable[Part]) -> Finish | None:
    """An answer that was given by calling our own tool ends as any other."""
    if reason is None:
        return None
    if reason.__class__ is not str:
        raise TypeError("stopReason")
    if reason == "tool_use" and not calls_the_client(parts):
        return Finish(reason="stop", raw=reason)
    return Finish(reason=FINISH.get(reason, "other"), raw=reason)


def read_extra(value: JsonObject) -> JsonObject:
    """What an answer, or an event at the end of one, tells besides. The tier by the name that is common to those who
    have tiers; what Claude tells of its thinking is in the usage."""
    extra = {key: item for key, item in value.items() if key in _OF_THE_ANSWER and not _is_usage(item)}
    tier = value.get("serviceTier")
    kind = tier.get("type") if tier.__class__ is dict else None
    return {**extra, "service_tier": kind} if kind.__class__ is str else extra


def _is_usage(additional: Json) -> bool:
    return additional is None or (additional.__class__ is dict and set(additional) == {"usage"})
