"""A whole answer, both ways.

What another provider signed is shown under a seal, so that it comes home on the next turn: thinking (also unsigned: the
seal says that it is not Gemini's) and the signatures of tool calls. A prompt that was blocked is an answer without
candidates: here a choice without parts, whose end says why.
"""

from __future__ import annotations

import hashlib

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.response import Caveat, Choice, Response
from tollbridge.wires.base import Written
from tollbridge.wires.dialects import format_of
from tollbridge.wires.gemini.finish import blocked, calls_client, for_calls, read_finish, write_finish
from tollbridge.wires.gemini.grounding import GROUNDING, read_citations, write_grounding
from tollbridge.wires.gemini.logprobs import read_logprobs, write_logprobs
from tollbridge.wires.gemini.read_parts import PartReader
from tollbridge.wires.gemini.shapes import explain_response
from tollbridge.wires.gemini.signature import close_signature
from tollbridge.wires.gemini.usage import read_usage, write_usage
from tollbridge.wires.gemini.vocabulary import INNER, NAME, NUMBERED, ON, caveat, fields, listed, take
from tollbridge.wires.gemini.write_parts import function_call, provider_call, write_media
from tollbridge.wires.seal import UNKEYED, Seals
from tollbridge.wires.stumble import STUMBLES

LOGPROBS = "logprobsResult"
FEEDBACK = "promptFeedback"
INCIDENTAL = frozenset({"system_fingerprint", "object", "obfuscation", "time_info", "x_groq", "service_tier"})
"""Fields of other formats' answers that tell about the serving of an answer, not about the answer: they go without a
Caveat, which nearly every answer would carry otherwise."""


def read_response(body: Json) -> Response:
    """Raises BadGatewayError that names what is wrong. Missing and null fields are read as empty."""
    try:
        return _read(body)
    except STUMBLES as cause:
        explain_response(body, cause)


def _read(body: Json) -> Response:
    rest = fields(body)
    answer_id = take(rest, "responseId", str) or ""
    candidates = listed(rest.pop("candidates")) if rest.get("candidates") is not None else None
    choices = [_choice(said, place, answer_id) for place, said in enumerate(candidates or ())]
    if not choices:
        if candidates is not None:
            rest["candidates"] = []
        finish = blocked(rest.get(FEEDBACK))
        choices = [] if finish is None else [Choice(finish=finish)]
    usage = read_usage(rest.get("usageMetadata"))
    if usage is not None:
        del rest["usageMetadata"]
    return Response(
        id=answer_id,
        model=take(rest, "modelVersion", str) or "",
        choices=tuple(choices),
        usage=usage,
        origin=NAME,
        extra=rest,
    )


def _choice(value: Json, place: int, answer_id: str) -> Choice:
    extra = fields(value)
    spelling: dict[str, str] = {}
    finish = read_finish(extra.get("finishReason"), spelling)
    if finish is not None:
        del extra["finishReason"]
    index = take(extra, "index", int)
    if index is None:
        spelling["index"] = "absent"
    parts: tuple[Part, ...] = ()
    message: JsonObject = {}
    if extra.get("content") is None:
        spelling["content"] = "absent"
    else:
        message = fields(extra.pop("content"))
        if message.get("parts") is None:
            spelling["parts"] = "absent"
        else:
            parts = PartReader(None, salt_of(answer_id, value)).read_all(message.pop("parts"))
        role = message.get("role")
        if role == "model":
            del message["role"]
        elif "role" not in message:
            spelling["role"] = "absent"
    if finish is not None and any(map(calls_client, parts)):
        finish = for_calls(finish)
    texts = {at: part.text for at, part in enumerate(parts) if isinstance(part, Text)}
    return Choice(
        index=place if index is None else index,
        parts=with_citations(parts, extra, texts),
        finish=finish,
        logprobs=read_logprobs(extra.get(LOGPROBS)),
        spelling=spelling,
        message_extra=message,
        extra=extra,
    )


def salt_of(answer_id: str, candidate: Json) -> str:
    """What makes the ids that we give differ from those of other answers; the answer itself, where it has no id."""
    return answer_id or hashlib.blake2b(msgspec.json.encode(candidate), digest_size=12).hexdigest()


def with_citations(parts: tuple[Part, ...], extra: JsonObject, texts: dict[int, str]) -> tuple[Part, ...]:
    found = list(parts)
    for place, citation in read_citations(extra, texts):
        part = found[place]
        if isinstance(part, Text):
            found[place] = msgspec.structs.replace(part, citations=(*part.citations, citation))
    return tuple(found)


def write_response(response: Response, seals: Seals = UNKEYED) -> Written[JsonObject]:
    own = response.origin == NAME
    writer = AnswerWriter(own=own, account=response.account, seals=seals)
    body: JsonObject = {}
    if not (own and is_blocked(response.choices, response.extra)):
        body["candidates"] = [writer.candidate(choice) for choice in response.choices]
    if response.usage is not None:
        body["usageMetadata"] = write_usage(response.usage)
    if response.model:
        body["modelVersion"] = response.model
    if response.id:
        body["responseId"] = response.id
    if own:
        body = {**response.extra, **body}
    elif lost := [name for name in response.extra if name not in INCIDENTAL]:
        writer.caveat("dropped_field", "$", f"fields without a place in this format: {', '.join(lost)}")
    return Written(body, tuple(writer.caveats))


def is_blocked(choices: tuple[Choice, ...], extra: JsonObject) -> bool:
    """There is nothing but the news that the prompt was refused: it stands in `promptFeedback` alone."""
    finish = blocked(extra.get(FEEDBACK))
    return not choices or (finish is not None and choices == (Choice(finish=finish),))


class AnswerWriter:
    """What a model said -> candidates, for one client. `account`: whose credentials asked, for seals."""

    def __init__(self, *, own: bool, account: str, seals: Seals) -> None:
        self.own = own
        self._account = account
        self._seals = seals
        self.caveats: list[Caveat] = []

    def candidate(self, choice: Choice) -> JsonObject:
        parts: list[Json] = []
        cited: list[tuple[int, Text]] = []
        for part in choice.parts:
            if isinstance(part, Text) and part.citations:
                cited.append((len(parts), part))
            self.write(part, parts)
        said: JsonObject = {**choice.extra} if self.own else {}
        how = choice.spelling if self.own else {}
        if how.get("content") != "absent" or parts:
            content: JsonObject = {**choice.message_extra} if self.own else {}
            if how.get("parts") != "absent" or parts:
                content["parts"] = parts
            if how.get("role") != "absent":
                content.setdefault("role", "model")
            said["content"] = content
        reason = write_finish(choice.finish, choice.parts, self.own, self.caveats)
        if reason is not None:
            said["finishReason"] = NUMBERED.index(reason) if how.get("finish") == "number" else reason
        if how.get("index") != "absent":
            said["index"] = choice.index
        if not self.own:
            said.update(self.beside(choice, cited))
        return said

    def beside(self, choice: Choice, cited: list[tuple[int, Text]]) -> JsonObject:
        """What stands beside the content of another format's answer."""
        said: JsonObject = {}
        grounding = write_grounding(cited)
        if grounding is not None:
            said[GROUNDING] = grounding
        if choice.logprobs is not None:
            logprobs = write_logprobs(choice.logprobs)
            if logprobs is None:
                self.caveat("dropped_part", "$.candidates", "log probabilities of an unknown shape")
            else:
                said[LOGPROBS] = logprobs
        return said

    def write(self, part: Part, into: list[Json]) -> None:
        """One part, after those that stand in `into` already."""
        match part:
            case Text(text=text):
                if self.own or text:
                    into.append({**part.extra, "text": text} if self.own else {"text": text})
            case Refusal(text=text):
                if text:
                    into.append({"text": text})
            case Thinking():
                self._thinking(part, into)
            case ToolCall():
                if (call := self.call(part)) is not None:
                    into.append(call)
            case Media():
                if (medium := write_media(part, self.own)) is not None:
                    into.append(medium)
                else:
                    self.caveat("dropped_part", "$.candidates", "a file of the provider's store")
            case Opaque(wire=wire, value=value):
                if wire == NAME:
                    into.append(value)
                else:
                    self.caveat("dropped_part", "$.candidates", f"a part that only {format_of(wire)} understands")
            case ToolResult():
                self.caveat("dropped_part", "$.candidates", "answers of this format hold no tool results")

    def _thinking(self, part: Thinking, into: list[Json]) -> None:
        if not part.redacted or part.origin != NAME:
            if self.own or part.text or part.signature:
                said: JsonObject = {"text": part.text, "thought": True}
                if (signature := self.signature(part)) is not None:
                    said["thoughtSignature"] = signature
                into.append({**part.extra, **said} if self.own else said)
            return
        last = into[-1] if into else None
        if self.own and ON not in part.extra:
            into.append({**part.extra, "thoughtSignature": part.signature})
        elif isinstance(last, dict) and "thoughtSignature" not in last:
            into[-1] = {**last, "thoughtSignature": part.signature}
        else:
            into.append({"text": "", "thoughtSignature": part.signature})

    def signature(self, part: Thinking) -> str | None:
        """Raw where Gemini signed, sealed where anybody else did or did not."""
        if part.origin == NAME:
            return part.signature
        account = part.account or self._account
        return close_signature(part.origin, account, part.signature, self._seals, redacted=part.redacted)

    def call(self, part: ToolCall) -> JsonObject | None:
        if part.runs_on == "provider":
            if part.origin != NAME:
                detail = f"the call of `{part.name}`, a tool that the provider ran"
                self.caveat("dropped_part", "$.candidates", detail)
                return None
            said = provider_call(part)
        else:
            said = {"functionCall": function_call(part, self.own)}
        if self.own:
            said = {**{key: value for key, value in part.extra.items() if key != INNER}, **said}
        if part.signature is not None:
            account = part.account or self._account
            raw = part.origin == NAME
            said["thoughtSignature"] = (
                part.signature if raw else close_signature(part.origin, account, part.signature, self._seals)
            )
        return said

    def caveat(self, code: str, where: str, detail: str) -> None:
        self.caveats.append(caveat(code, where, detail))
