"""Law 4: for each ordered pair of two-way wires, `read_B(write_B(read_A(x)))` keeps each feature that B can say, and
there is a Caveat for each that it cannot.

Features are taken from neutral values, so that neither dialect's spelling matters: texts by role, media, tool calls
with their results, thinking with its signer, citations, tools, parameters, usage, the end. `EXCUSES` says which Caveat
codes may stand for a lost feature of each kind, and a parameter's Caveat must name it; a feature that is lost without
one breaks the law.
"""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.shared import SHARED, recordings
from tests.wires import laws
from tests.wires.anthropic_messages import recorded as anthropic_recorded
from tests.wires.gemini import recorded as gemini_recorded
from tollbridge.errors import APIError, BadRequestError
from tollbridge.model.fold import fold
from tollbridge.model.parts import Inline, Media, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.request import Request, Tool, ToolChoice
from tollbridge.model.response import Caveat, Choice, Response
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Head, Target, Wire
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES
from tollbridge.wires.seal import Seals

_ALL: tuple[Wire, ...] = (OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES, GEMINI)
WIRES: dict[str, Wire] = {wire.name: wire for wire in _ALL}
PAIRS = [pytest.param(a, b, id=f"{a}-to-{b}") for a in WIRES for b in WIRES if a != b]
MODELS = {
    "openai_chat": "gpt-4.1",
    "anthropic_messages": "claude-sonnet-4-5",
    "openai_responses": "gpt-4.1",
    "gemini": "gemini-3-flash",
}
CASES = Path(__file__).resolve().parent / "cases"
SEALS = Seals(b"k" * 32)

Features = Counter[tuple[str, Any]]

# Codes of the Caveats that may stand for a lost feature of this kind.
EXCUSES = {
    "text": {"dropped_part", "approximated"},
    "media": {"dropped_part"},
    "call": {"dropped_part"},
    "ran": {"dropped_part"},
    "result": {"dropped_part", "approximated"},
    "failed result": {"approximated", "dropped_part", "dropped_field"},
    "thinking": {"foreign_signature", "dropped_part"},
    "citation": {"dropped_part", "approximated"},
    "cache": {"dropped_part", "dropped_param", "dropped_field"},
    "tool": {"dropped_part", "approximated"},
    "strict tool": {"dropped_param", "approximated"},
    "setting": {"dropped_param", "approximated"},
    "choice": {"dropped_choice"},
    "logprobs": {"dropped_part"},
    "finish": {"approximated"},
    "usage": set(),
}


def plain(text: str) -> str:
    """Joined and trimmed texts differ in white space alone."""
    return "".join(text.split())


def parsed(arguments: str) -> str:
    """Arguments with their white space gone; out of the object that the Messages format wraps free text in."""
    try:
        value = msgspec.json.decode(arguments or "{}")
    except ValueError:
        return arguments
    wrapped = value.get("INVALID_JSON") if isinstance(value, dict) else None
    return wrapped if isinstance(wrapped, str) else msgspec.json.encode(value, order="sorted").decode()


def media_of(part: Media) -> tuple[str, str]:
    family = "image" if part.media_type.startswith("image/") else "other"
    source = part.source
    value = source.data if isinstance(source, Inline) else getattr(source, "url", None) or getattr(source, "id", "")
    return family, str(value)


def parts_of(parts: tuple[Part, ...], role: str) -> Iterator[tuple[str, Any]]:
    for part in parts:
        match part:
            case Text() | Refusal():
                if plain(part.text):
                    yield "text", (role, plain(part.text))
                for citation in part.citations if isinstance(part, Text) else ():
                    yield "citation", (citation.url, citation.title)
            case Media(source=Inline(data=data)) if part.media_type.startswith("text/"):
                yield "text", (role, plain(b64decode(data).decode()))  # a text file may be said as text
            case Media():
                yield "media", media_of(part)
            case Thinking() if part.text or part.signature:
                yield "thinking", (plain(part.text), part.signature, part.redacted)
            case ToolCall(runs_on="provider"):
                yield "ran", (part.name, parsed(part.arguments))
            case ToolCall():
                yield "call", (part.name, parsed(part.arguments))
            case _:
                pass
        if getattr(part, "cache", None) is not None:
            yield "cache", role


def request_features(request: Request) -> Features:
    found: Features = Counter()
    calls: dict[str, ToolCall] = {}
    for message in request.messages:
        found.update(parts_of(message.parts, message.role))
        for part in message.parts:
            if isinstance(part, ToolCall):
                calls[part.id] = part
            elif isinstance(part, ToolResult):
                call = calls.get(part.call_id)
                asked = (call.name, parsed(call.arguments)) if call is not None else None
                said = plain("".join(inner.text for inner in part.content if isinstance(inner, Text)))
                found["result", (asked, said)] += 1
                if part.is_error:
                    found["failed result", asked] += 1
                found.update(feature for feature in parts_of(part.content, "result") if feature[0] == "media")
    for tool in request.tools:
        if isinstance(tool, Tool):
            found["tool", (tool.name, tool.description or "")] += 1
            if tool.strict:
                found["strict tool", tool.name] += 1
            if tool.cache is not None:
                found["cache", "tool"] += 1
    offered = any(isinstance(tool, Tool) for tool in request.tools)
    if isinstance(request.tool_choice, ToolChoice) and offered:
        found["setting", ("tool_choice", request.tool_choice.mode, request.tool_choice.name)] += 1
    if request.parallel_tools is False and offered and getattr(request.tool_choice, "mode", "") != "none":
        found["setting", ("parallel_tools", False)] += 1
    for name in msgspec.structs.fields(request.sampling):
        value = getattr(request.sampling, name.name)
        if value not in (None, (), False) and (name.name, value) != ("choices", 1):
            found["setting", (name.name, value)] += 1
    reasoning = request.reasoning
    if reasoning is not None and reasoning.effort != "none" and (reasoning.effort or reasoning.mode == "enabled"):
        found["setting", ("reasoning",)] += 1  # "adaptive" alone leaves it to the model, as saying nothing does
    if request.output is not None and getattr(request.output, "kind", "text") != "text":
        found["setting", ("output", getattr(request.output, "kind", "opaque"))] += 1
    if request.user is not None:
        found["setting", ("user", request.user)] += 1
    return found


def answer_features(response: Response) -> Features:
    found: Features = Counter()
    choice = response.choices[0] if response.choices else None
    if choice is not None:
        for kind, value in parts_of(choice.parts, "assistant"):
            # A signature goes under a seal, which a reader of answers leaves closed: see `coming_home`.
            found[kind, value[0] if kind == "thinking" else value] += 1
        if choice.finish is not None:
            found["finish", _end(choice)] += 1
        if choice.logprobs is not None and any(choice.logprobs.values()):
            found["logprobs", None] += 1
    if len(response.choices) > 1:
        found["choice", len(response.choices)] += 1
    usage = response.usage
    if usage is not None and (usage.cache_read or 0) <= usage.input:  # one provider contradicts itself
        for name in ("input", "output", "cache_read", "reasoning"):
            if getattr(usage, name):
                found["usage", (name, getattr(usage, name))] += 1
    return found


def _end(choice: Choice) -> str:
    """Some providers say "stop" after a call or a refusal; a writer may say it better."""
    assert choice.finish is not None
    if choice.finish.reason in ("stop", "other"):
        for part in choice.parts:
            if isinstance(part, ToolCall) and part.runs_on == "client":
                return "tool_calls"
            if isinstance(part, Refusal):
                return "refusal"
    return choice.finish.reason


def lost(wanted: Features, got: Features) -> Features:
    """What is missing; texts count as kept where they stand inside the joined text of their role."""
    missing = wanted - got
    joined = dict.fromkeys(("system", "user", "assistant"), "")
    for kind, value in got.elements():
        if kind == "text":
            joined[value[0]] += value[1]
    for kind, value in list(missing):
        if kind == "text" and value[1] in joined[value[0]]:
            del missing[kind, value]
    return missing


# How a Caveat may name a setting, where that is not the neutral name.
NAMES = {"choices": ("`n`",), "output": ("response_format",), "reasoning": ("reasoning", "thinking")}


def excused(missing: Features, caveats: tuple[Caveat, ...]) -> None:
    for kind, value in missing:
        fit = [caveat for caveat in caveats if caveat.code in EXCUSES[kind]]
        if kind == "setting":
            names = NAMES.get(value[0], (value[0],))
            fit = [caveat for caveat in fit if any(name in caveat.where + caveat.detail for name in names)]
        assert fit, f"{(kind, value)} was lost without a Caveat; there are {caveats}"


def crosses_request(a: Wire, b: Wire, body: Any) -> None:
    read = a.read_request(body).value
    written = b.write_request(read, Target(model=MODELS[b.name], stream=bool(read.stream), max_output_tokens=64000))
    back = b.read_request(laws.through_json(written.value.body))
    assert back.caveats == ()
    excused(lost(request_features(read), request_features(back.value)), written.caveats)


def crosses_answer(a: Wire, b: Wire, body: Any) -> None:
    try:
        read = msgspec.structs.replace(a.read_response(body), account="acc")
    except APIError:
        return  # an error in a 200: the wire's own tests say which
    written = b.write_response(read, SEALS)
    back = b.read_response(laws.through_json(written.value))
    excused(lost(answer_features(read), answer_features(back)), written.caveats)
    coming_home(b, read, laws.through_json(written.value))


def crosses_stream(a: Wire, b: Wire, stream: bytes) -> None:
    try:
        events = laws.read_stream(a, stream)
    except APIError:
        return
    read = fold(events, origin=a.name)
    head = Head(id="r1", model="m", include_usage=True, origin=a.name, account="acc", seals=SEALS)
    writer = b.stream_writer(head)
    wrote = b"".join([*(writer.write(event) for event in events), writer.close()])
    back = fold(laws.read_stream(b, wrote), origin=b.name)
    excused(lost(answer_features(read), answer_features(back)), tuple(writer.caveats))
    coming_home(b, read, laws.through_json(b.write_response(back).value))


def coming_home(b: Wire, shown: Response, answer: Any) -> None:
    """What somebody signed and `b` showed: the client's next request brings it back, whole."""
    said = NEXT[b.name](answer)
    if not said or not shown.choices:
        return
    asked = {"role": "user", "content": "x"}
    request = {"model": "m", "max_tokens": 9, "messages": [asked, *said]}
    if b.name == OPENAI_RESPONSES.name:
        request = {"model": "m", "input": [asked, *said]}
    if b is GEMINI:
        request = {"contents": [{"role": "user", "parts": [{"text": "x"}]}, *said]}
    returned = b.read_request(request, SEALS)
    assert returned.caveats == ()
    signed = [part for part in shown.choices[0].parts if isinstance(part, Thinking) and part.signature]
    back = [part for message in returned.value.messages for part in message.parts if isinstance(part, Thinking)]
    for part in signed:
        assert any((one.signature, one.origin) == (part.signature, part.origin) for one in back), part


def _chat_message(answer: Any) -> list[Any]:
    choices = answer.get("choices")
    message = choices[0].get("message") if choices else None
    return [message] if message is not None else []


def _messages_message(answer: Any) -> list[Any]:
    return [{"role": "assistant", "content": answer["content"]}] if answer["content"] else []


# What a client sends back of an answer with its next request
NEXT = {
    "openai_chat": _chat_message,
    "anthropic_messages": _messages_message,
    "openai_responses": lambda answer: answer["output"],
    "gemini": lambda answer: [candidate["content"] for candidate in answer.get("candidates", ())[:1]],
}


def chat_exchanges() -> Iterator[dict[str, Any]]:
    yield from recordings(endpoints=("chat.completions",))


def exchanges_of(name: str) -> Iterator[tuple[str, Any, Any, bytes | None]]:
    """(id, request, answer, stream) of every own case and recording of a wire."""
    for case in laws.load_cases(CASES / name):
        stream = laws.framed(case["stream"], case.get("end", "").encode()) if "stream" in case else None
        yield case["name"], case.get("request"), case.get("response"), stream
    if not SHARED.exists():
        return
    recorded = {ANTHROPIC_MESSAGES.name: anthropic_recorded, GEMINI.name: gemini_recorded}.get(name)
    if recorded is not None:
        for one in recorded.exchanges():
            if one["status"] == 200:
                yield one["id"], recorded.request_of(one), recorded.answer_of(one), recorded.stream_of(one)
        return
    if name == OPENAI_RESPONSES.name:
        for one in recordings(endpoints=("responses",)):
            if one["status"] == 200:
                text = one["response_text"].encode() if one.get("stream_format") == "sse" else None
                yield one["id"], one.get("request_body"), one.get("response_body"), text
        return
    for one in chat_exchanges():
        if one["status"] == 200:
            text = one["response_text"].encode() if one.get("stream_format") == "sse" else None
            request, answer = one.get("request_body"), one.get("response_body")
            if isinstance(request, dict) and request.get("model") is None:
                request = {**request, "model": "on-azure"}  # the deployment in the URL names the model
            yield one["id"], request, answer if isinstance(answer, dict) else None, text


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_requests_cross(a: str, b: str, capsys: pytest.CaptureFixture[str]) -> None:
    crossed, refused = 0, []
    for name, request, _, _ in exchanges_of(a):
        if request is None or not isinstance(request, dict):
            continue
        try:
            WIRES[a].read_request(request)
        except BadRequestError:
            continue  # the wire's own tests say which
        try:
            _named(name, crosses_request, WIRES[a], WIRES[b], request)
            crossed += 1
        except BadRequestError as error:
            refused.append((name, error.message))
    report(capsys, f"{a} -> {b}: {crossed} requests, {len(refused)} refused")
    assert crossed > 20
    assert [error for _, error in refused if "modify_params" not in error] == []


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_answers_cross(a: str, b: str, capsys: pytest.CaptureFixture[str]) -> None:
    crossed = 0
    for name, _, answer, _ in exchanges_of(a):
        if answer is not None:
            _named(name, crosses_answer, WIRES[a], WIRES[b], answer)
            crossed += 1
    report(capsys, f"{a} -> {b}: {crossed} answers")
    assert crossed > 20


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_streams_cross(a: str, b: str, capsys: pytest.CaptureFixture[str]) -> None:
    crossed = 0
    for name, _, _, stream in exchanges_of(a):
        if stream is not None:
            _named(name, crosses_stream, WIRES[a], WIRES[b], stream)
            crossed += 1
    report(capsys, f"{a} -> {b}: {crossed} streams")
    assert crossed > 10


def _named(name: str, law: Any, *arguments: Any) -> None:
    try:
        law(*arguments)
    except BadRequestError:
        raise
    except Exception as error:
        raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error


def report(capsys: pytest.CaptureFixture[str], line: str) -> None:
    with capsys.disabled():
        print(f"\n{line}")


@pytest.mark.parametrize("name", WIRES)
def test_the_law_sees_a_part_that_is_lost(name: str) -> None:
    seen = 0
    for case, body, _, _ in exchanges_of(name):
        if not isinstance(body, dict) or seen > 200:
            continue
        try:
            read = WIRES[name].read_request(body).value
        except BadRequestError:
            continue
        whole = request_features(read)
        for place, message in enumerate(read.messages):
            for index, part in enumerate(message.parts):
                if not any(True for _ in parts_of((part,), message.role)):
                    continue
                parts = (*message.parts[:index], *message.parts[index + 1 :])
                cut = msgspec.structs.replace(message, parts=parts)
                messages = (*read.messages[:place], cut, *read.messages[place + 1 :])
                missing = lost(whole, request_features(msgspec.structs.replace(read, messages=messages)))
                if isinstance(part, Text) and not missing:
                    continue  # the same words stand elsewhere too
                with pytest.raises(AssertionError):
                    excused(missing, ())
                assert missing, case
                seen += 1
    assert seen > 50  # own cases alone give 64
