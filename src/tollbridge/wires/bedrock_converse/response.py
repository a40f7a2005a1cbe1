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

STUMBLES = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_READ = frozenset({"output", "stopReason", "usage", "serviceTier"})


def read_response(body: Json) -> Response:
    """Raises BadGatewayError where the body is no answer of this format."""
    try:
        message = body["output"]["message"]
        parts = read_all(message["content"])
        extra = {key: value for key, value in body.items() if key not in _READ}
        tier = service_tier(body.get("serviceTier"))
        choice = Choice(
            parts=parts,
            finish=read_finish(body.get("stopReason"), parts),
            message_extra={key: value for key, value in message.items() if key not in ("role", "content")},
        )
        usage = read_usage(body.get("usage"), body.get("additionalModelResponseFields"))
    except STUMBLES as error:
        raise BadGatewayError(
            f"The provider's answer is not what the Converse format promises: {error.__class__.__name__}: {error}.",
            body=body,
        ) from error
    return Response(choices=(choice,), usage=usage, origin=NAME, extra={**extra, **tier})


def read_finish(reason: Json, parts: Iterable[Part]) -> Finish | None:
    """An answer that was given by calling our own tool ends as any other."""
    if reason is None:
        return None
    if reason.__class__ is not str:
        raise TypeError("stopReason")
    if reason == "tool_use" and not calls_the_client(parts):
        return Finish(reason="stop", raw=reason)
    return Finish(reason=FINISH.get(reason, "other"), raw=reason)


def service_tier(value: Json) -> JsonObject:
    """By the name that is common to those who have tiers."""
    kind = value.get("type") if value.__class__ is dict else None
    return {"service_tier": kind} if kind.__class__ is str else {}
