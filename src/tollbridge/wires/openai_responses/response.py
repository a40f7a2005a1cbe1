"""A whole answer, both ways. One of this wire goes back as it came; another wire's is written in items of ours."""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Part, Refusal, Text
from tollbridge.model.response import Caveat, Choice, Response
from tollbridge.wires.base import Written
from tollbridge.wires.openai_responses.answer import (
    INCIDENTAL,
    AnswerWriter,
    completion,
    content_logprobs,
    customs_of,
    read_finish,
    read_output,
    skeleton,
    tier_of,
    write_finish,
)
from tollbridge.wires.openai_responses.errors import read_inner_error
from tollbridge.wires.openai_responses.shapes import explain_response
from tollbridge.wires.openai_responses.usage import read_usage, write_usage
from tollbridge.wires.openai_responses.vocabulary import ITEM, NAME, dropped_part, made_id, take
from tollbridge.wires.seal import UNKEYED, Seals
from tollbridge.wires.stumble import STUMBLES

NOTHING_ASKED: JsonObject = {}


def read_response(body: Json) -> Response:
    """Raises APIError where the response failed, BadGatewayError where it is none."""
    try:
        return _read(body)
    except STUMBLES as failure:
        raise explain_response(body, failure) from failure


def _read(body: JsonObject) -> Response:
    if body.__class__ is not dict:
        raise TypeError("answer")
    if body.get("error") and not body.get("output"):
        raise read_inner_error(body)
    logprobs: list[Json] = []
    parts: list[Part] = [part for item in body["output"] or () for part in read_output(item, logprobs)]
    usage = read_usage(body.get("usage"))
    finish = read_finish(body, parts)
    rest = head_fields(body)
    choice = Choice(parts=tuple(parts), finish=finish, logprobs={"content": logprobs} if logprobs else None)
    return Response(
        id=take(rest, "id", str) or "",
        model=take(rest, "model", str) or "",
        created=take_created(rest),
        choices=(choice,),
        usage=usage,
        origin=NAME,
        extra=rest,
    )


def take_created(rest: JsonObject) -> int | None:
    """Some write whole seconds with a decimal point."""
    created: Json = rest.get("created_at")
    if created.__class__ not in (int, float) or created != int(created):
        return None
    del rest["created_at"]
    return int(created)


def head_fields(body: JsonObject) -> JsonObject:
    """The fields of a response but its output, its usage and what every one says; how it ended is in `Finish`."""
    rest = {key: value for key, value in body.items() if key not in ("output", "status")}
    if rest.get("object") == "response":
        del rest["object"]
    if read_usage(rest.get("usage")) is not None:
        del rest["usage"]
    details = rest.get("incomplete_details")
    if body.get("status") == "incomplete" and details.__class__ is dict and details.keys() == {"reason"}:
        del rest["incomplete_details"]
    return rest


def write_response(
    response: Response, seals: Seals = UNKEYED, asked: JsonObject = NOTHING_ASKED, now: float | None = None
) -> Written[JsonObject]:
    """`asked`: what the answer repeats of the request (see `asked.py`). `now`: when it is whole; None tells nothing."""
    own = response.origin == NAME
    choice = response.choices[0] if response.choices else Choice()
    id = response.id or made_id("resp", response.model, response.created, msgspec.to_builtins(choice.parts))
    writer = AnswerWriter(own=own, account=response.account, seals=seals, id=id, customs=customs_of(asked))
    if len(response.choices) > 1:
        detail = f"Only the first of {len(response.choices)} choices is shown."
        writer.caveats.append(Caveat(code="dropped_choice", where="$.output", detail=detail))
    end = write_finish(choice.finish, choice.parts, own, writer.caveats)
    output = _items(choice, writer)
    if own:
        body: JsonObject = {
            "id": response.id,
            "object": "response",
            "created_at": response.created or 0,
            "model": response.model,
            "output": output,
            **end,
        }
        for key, value in response.extra.items():
            if key == "incomplete_details" and isinstance(value, dict) and key in end:
                body[key] = {**value, **end[key]}
            elif key == "object" or not body.get(key):  # odd ones stay what they were, unless the caller gave a better
                body[key] = value
    else:
        created = response.created or 0
        body = {**skeleton(id, response.model, created, asked), "output": output, **end}
        body.update(completion(end, created, now))
        body.update(tier_of(response.extra))
        if end["status"] == "incomplete" and output and "status" in output[-1]:
            output[-1]["status"] = "incomplete"
        if lost := [name for name in response.extra if name not in INCIDENTAL]:
            detail = f"Fields without a place in this format: {', '.join(lost)}."
            writer.caveats.append(dropped_part("$", detail))
    if response.usage is not None:
        body["usage"] = write_usage(response.usage)
    return Written(body, tuple(writer.caveats))


def _items(choice: Choice, writer: AnswerWriter) -> list[JsonObject]:
    logprobs = content_logprobs(choice.logprobs)
    items: list[JsonObject] = []
    message: JsonObject | None = None
    for part in choice.parts:
        if not isinstance(part, Text | Refusal):
            item = writer.item(part, len(items))
            if item is not None:
                message = None
                items.append(item)
        elif writer.own or part.text or (isinstance(part, Text) and part.citations):
            if message is None or (writer.own and ITEM in part.extra):
                message = {**writer.message(part, len(items)), "content": []}
                items.append(message)
            message["content"].append(writer.content(part, logprobs))
    if logprobs or (choice.logprobs and not content_logprobs(choice.logprobs) and any(choice.logprobs.values())):
        writer.dropped("log probabilities of something that is no text")
    return items
