"""An answer that must fit a JSON Schema, at a provider whose format has no word for that.

1. A tool whose arguments are the answer, and that must be called. Beside tools of the client's some call is asked for:
   one of theirs, or the answer. What comes back as a call of it is the text that was asked for.
2. Where a call cannot be forced (no tools, or no choice among them; the client forces one itself, or wants thinking,
   which most vendors refuse beside it; the row prefers it so): the schema in words, and the vendor's own JSON mode
   where it has one.

Either is a Caveat: nothing holds the model to the schema as its own vendor would.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tollbridge.model.events import Cited, Closed, Event, Extra, Finished, Grew, Noted, Opened
from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Part, Text, ToolCall
from tollbridge.model.request import Message, OutputFormat, Request, Tool, ToolChoice
from tollbridge.model.response import Caveat, Choice, Finish, Response
from tollbridge.wires.base import Target

ANSWER = "give_the_answer"
_TOLD = "Give your answer by calling this, and only so. Its arguments are the answer."


class Fitted(msgspec.Struct, frozen=True):
    """`by_tool`: the answer comes back as a call of `ANSWER`."""

    request: Request
    caveats: tuple[Caveat, ...] = ()
    by_tool: bool = False


def fit(request: Request, to: Target) -> Fitted:
    """The request as this target can be asked."""
    output = request.output
    if not isinstance(output, OutputFormat) or output.kind != "schema" or "response_schema" not in to.lacks:
        return Fitted(request)
    if _can_force(request, output, to):
        return _by_tool(request, output, to)
    return _in_words(request, output, to)


def _can_force(request: Request, output: OutputFormat, to: Target) -> bool:
    reasoning, choice = request.reasoning, request.tool_choice
    thinks = reasoning is not None and reasoning.mode != "disabled" and reasoning.effort != "none"
    free = choice is None or (isinstance(choice, ToolChoice) and choice.mode in ("auto", "none") and not choice.allowed)
    return (
        free
        and not thinks
        and to.lacks.isdisjoint({"tools", "tool_choice"})
        and to.prefers.get("response_schema") != "json"
        and (output.schema or {}).get("type", "object") == "object"
        and all(isinstance(tool, Tool) and tool.name != ANSWER for tool in request.tools)
    )


def _by_tool(request: Request, output: OutputFormat, to: Target) -> Fitted:
    tool = Tool(
        name=ANSWER,
        description=f"{_TOLD} {output.description}" if output.description else _TOLD,
        schema={"type": "object", **(output.schema or {})},
    )
    others = request.tools if getattr(request.tool_choice, "mode", None) != "none" else ()
    choice = ToolChoice(mode="required") if others else ToolChoice(mode="tool", name=ANSWER)
    single = bool(others) and request.parallel_tools is None and "parallel_tools" not in to.lacks
    asked = msgspec.structs.replace(
        request,
        tools=(*others, tool),
        tool_choice=choice,
        parallel_tools=False if single else request.parallel_tools,
        output=None,
    )
    detail = "This model takes no schema for its answer; it is made to call a tool that has it."
    return Fitted(asked, (_caveat(detail),), True)


def _in_words(request: Request, output: OutputFormat, to: Target) -> Fitted:
    words = "Answer with one JSON value and nothing else: no prose, no code fence."
    if output.schema is not None:
        words += f" It must fit this JSON Schema: {msgspec.json.encode(output.schema).decode()}"
    asked = msgspec.structs.replace(
        request,
        messages=_with_system(request.messages, words),
        output=None if "response_json" in to.lacks else OutputFormat(kind="json"),
    )
    detail = "This model takes no schema for its answer; it is asked for in words, and nothing enforces it."
    return Fitted(asked, (_caveat(detail),))


def _with_system(messages: tuple[Message, ...], words: str) -> tuple[Message, ...]:
    """The words at the end of the first system message: some formats have one alone."""
    if not messages or messages[0].role != "system":
        return (Message(role="system", parts=(Text(text=words),), spelling={"at": "system"}), *messages)
    first = messages[0]  # whose texts some formats put together as they are
    return (msgspec.structs.replace(first, parts=(*first.parts, Text(text=f"\n\n{words}"))), *messages[1:])


def as_text(response: Response) -> Response:
    """Calls of `ANSWER` as the text that they are."""
    return msgspec.structs.replace(response, choices=tuple(map(_told, response.choices)))


def _told(choice: Choice) -> Choice:
    answers = [part for part in choice.parts if _is_answer(part)]
    if not answers:
        return choice
    parts = [part for part in map(_as_answer, choice.parts) if part is not None]
    finish = None if choice.finish is None else _finish(choice.finish, any(isinstance(p, ToolCall) for p in parts))
    return msgspec.structs.replace(choice, parts=tuple(parts), finish=finish)


def _as_answer(part: Part) -> Part | None:
    """What a model said before the call is not a part of the answer."""
    if isinstance(part, ToolCall) and part.name == ANSWER:
        return Text(text=part.arguments)
    return None if isinstance(part, Text) else part


def _finish(finish: Finish, calls: bool) -> Finish:
    return finish if calls or finish.reason != "tool_calls" else Finish(reason="stop")


def _is_answer(part: Part) -> bool:
    return isinstance(part, ToolCall) and part.name == ANSWER


class AsText:
    """The same for the events of a stream. Texts wait until it is known whether they are the answer, or were only said
    before its call; then the parts are numbered anew."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}

    def __call__(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            choice = getattr(event, "choice", None)
            if choice is None or (isinstance(event, Noted) and not isinstance(event.note, Cited | Extra)):
                yield event
            else:
                yield from self._choices.setdefault(choice, _Choice()).told(event)


class _Choice:
    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._answers: set[int] = set()
        self._gone: set[int] = set()
        self._waiting: list[Event] = []
        self._waits: set[int] = set()
        self._calls = False

    def told(self, event: Event) -> Iterator[Event]:
        match event:
            case Opened(part=Text()) if not self._answers:
                self._waits.add(event.index)
                self._waiting.append(event)
            case Opened(part=Text()):
                self._gone.add(event.index)
            case Opened(part=ToolCall(name=name, arguments=arguments)) if name == ANSWER:
                self._drop_texts()
                self._answers.add(event.index)
                yield from self._numbered(msgspec.structs.replace(event, part=Text(text=arguments)))
            case Opened(part=part):
                if isinstance(part, ToolCall):
                    self._calls = True
                    yield from self._release()
                yield from self._numbered(event)
            case Finished(finish=finish):
                yield from self._release()
                told = _finish(finish, self._calls) if self._answers else finish
                yield msgspec.structs.replace(event, finish=told)
            case _:
                yield from self._of_a_part(event)

    def _of_a_part(self, event: Event) -> Iterator[Event]:
        index = _index(event)
        if index in self._gone:
            return
        if index in self._waits:
            self._waiting.append(event)
        elif index in self._answers:
            if isinstance(event, Closed):
                yield from self._numbered(event)
            elif isinstance(event, Grew) and event.aspect == "arguments":
                yield from self._numbered(msgspec.structs.replace(event, aspect="text"))
        else:
            yield from self._numbered(event)

    def _drop_texts(self) -> None:
        self._gone |= self._waits
        self._waits, self._waiting = set(), []

    def _release(self) -> Iterator[Event]:
        waiting, self._waiting = self._waiting, []
        self._waits = set()
        for event in waiting:
            yield from self._numbered(event)

    def _numbered(self, event: Event) -> Iterator[Event]:
        index = _index(event)
        if index < 0:
            yield event
            return
        number = self._numbers.setdefault(index, len(self._numbers))
        if isinstance(event, Noted) and isinstance(event.note, Cited | Extra):
            note = msgspec.structs.replace(event.note, index=number)
            yield msgspec.structs.replace(event, note=note)
        elif isinstance(event, Opened | Grew | Closed):
            yield msgspec.structs.replace(event, index=number)


def _index(event: Event) -> int:
    """Of the part that it concerns; -1 where it concerns none."""
    match event:
        case Opened(index=index) | Grew(index=index) | Closed(index=index):
            return index
        case Noted(note=Cited(index=index)) | Noted(note=Extra(of="part", index=index)):
            return index
    return -1


def _caveat(detail: str) -> Caveat:
    return Caveat(code="approximated", where="$.response_format", detail=detail)


FIELDS = frozenset({"response_format", "output_config", "output_format", "text"})
"""Where a body of the chat, Messages or Responses format asks for a schema."""


def asks_for_schema(fields: JsonObject) -> bool:
    """Of these fields of a body, as far as it has them."""
    for name, said in fields.items():
        if name in ("output_config", "text") and isinstance(said, dict):
            said = said.get("format")
        if isinstance(said, dict) and said.get("type") == "json_schema":
            return True
    return False
