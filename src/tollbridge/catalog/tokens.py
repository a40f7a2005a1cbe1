"""How many tokens a text or a request has: exact for OpenAI's texts, an estimate for all else.

Used by `count_tokens` where the provider has no such endpoint, by the check of the context window, and where a
provider tells no usage. Rules
1. Text of OpenAI's models is counted with their own encoding. Other vendors do not publish theirs, or one per model:
   their text is counted with o200k_base, times a factor (below) measured on recorded exchanges.
2. Each message, tool and request costs a few tokens of framing. Thinking counts in the turn under way only (the calls
   and results since the user last spoke): providers leave out that of earlier turns.
3. Media by rule of thumb, without decoding: an image is a flat number; a PDF is its size over 50 kB, in pages; sound
   is its size over 1,600 bytes per token. A link counts as one image or one page. See `Rule` for the numbers.
4. At most 400,000 characters are encoded (10 to 60 ms); of a longer text, 20 evenly spread pieces of 20,000 are, and
   the count is extrapolated. No piece is longer, which also bounds the encoder's quadratic worst case (a run of one
   letter).
5. An answer is counted likewise (`count_output`): its text at a factor of its own, each call of a tool by its name, its
   arguments and what the vendor writes around them. A call without an end, as a cut stream leaves it, counts as far as
   it came. A call that was forced costs up to 30 tokens less: what the vendor then writes itself it does not bill.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from tollbridge.catalog.encodings import Name, encoding, is_loaded
from tollbridge.model.parts import Inline, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.request import Request, Tool

if TYPE_CHECKING:
    from tiktoken import Encoding

EXACT_CHARACTERS_MAX = 400_000
PIECE_CHARACTERS = 20_000
PDF_BYTES_PER_PAGE = 50_000
AUDIO_BYTES_PER_TOKEN = 1_600

_json = msgspec.json.Encoder().encode


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How to count for a family of models. `percent`: real tokens per 100 of `encoding`'s. The rest are tokens: per
    message, per request, per request that has tools, per request with a schema, per tool, per image, per page of a
    PDF. Of an answer: `written` is its `percent`; per answer, per call, per argument of a call; `parallel`: per call
    where there are several (0: as for one)."""

    names: re.Pattern[str]
    encoding: Name = "o200k_base"
    percent: int = 100
    message: int = 4
    request: int = 3
    tools: int = 0
    schema: int = 0
    tool: int = 8
    image: int = 800
    page: int = 1_500
    written: int = 100
    answer: int = 0
    call: int = 7
    argument: int = 0
    parallel: int = 0


RULES: tuple[Rule, ...] = (
    Rule(names=re.compile(r"gpt-[5-9]"), tools=60, answer=3, call=10, parallel=13),
    Rule(names=re.compile(r"gpt-(?:4o|4\.|oss)|chatgpt|codex|(?:^|[/:])o[1-9](?:-|$)"), parallel=13),
    Rule(names=re.compile(r"gpt-(?:4|3|35)|text-embedding|davinci-002|babbage-002"), encoding="cl100k_base"),
    Rule(
        names=re.compile(r"claude-(?:[23]|\w+-4-[01]|\w+-4-20)"),
        percent=108,
        tools=340,
        tool=25,
        schema=130,
        image=1_500,
        page=2_500,
        written=110,
        answer=3,
        call=35,
        argument=6,
        parallel=28,
    ),
    Rule(
        names=re.compile(r"claude-(?:\w+-)?4[-.][56]"),
        percent=108,
        tools=480,
        tool=30,
        schema=130,
        image=1_500,
        page=2_500,
        written=111,
        answer=3,
        call=35,
        argument=6,
        parallel=28,
    ),
    Rule(
        names=re.compile(r"claude"),
        percent=135,
        tools=480,
        tool=40,
        schema=130,
        image=1_500,
        page=2_500,
        written=138,
        answer=3,
        call=35,
        argument=6,
        parallel=28,
    ),
    Rule(
        names=re.compile(r"(?:mist|minist|magist|devst|codest|pixt|mixt)ral"),
        percent=108,
        tools=20,
        tool=25,
        image=1_000,
        written=104,
        answer=1,
        call=4,
    ),
    Rule(names=re.compile(r""), percent=108, tools=150, tool=20, image=1_000, written=103, call=22, argument=4),
)
"""The first whose pattern is found in the model's name counts; the last one fits all. Percentages and overheads are
fits to the usage that recorded exchanges report, some 300 of requests and 600 of answers (seen 2026-11-21);
`tests/catalog/test_tokens.py` prints the errors."""


def rule_for(model: str) -> Rule:
    return next(rule for rule in RULES if rule.names.search(model))


def counts_at_once(model: str) -> bool:
    """Nothing has to be loaded first, which takes most of a second."""
    return is_loaded(rule_for(model).encoding)


def count_text(text: str, model: str) -> int:
    """The tokens of a text, without framing."""
    rule = rule_for(model)
    return _scaled(_count((text,), encoding(rule.encoding)), rule)


def count_request(request: Request, model: str | None = None) -> int:
    """The input tokens of a request. `model`: the provider's name, where it is not the request's."""
    rule = rule_for(model or request.model)
    texts: list[str] = []
    fixed = rule.request + rule.message * len(request.messages)
    turn = _turn_under_way(request)
    for number, message in enumerate(request.messages):
        thoughts = number >= turn
        fixed += _walk([part for part in message.parts if thoughts or not isinstance(part, Thinking)], texts, rule)
        if message.name:
            texts.append(message.name)
    if request.tools:
        fixed += rule.tools + rule.tool * len(request.tools)
        texts += (_tool_text(tool) for tool in request.tools)
    match request.output:
        case Opaque(value=value):
            texts.append(_json(value).decode())
        case None:
            pass
        case output if output.schema is not None:
            fixed += rule.schema
            texts.append(_json(output.schema).decode())
    return fixed + _scaled(_count(texts, encoding(rule.encoding)), rule)


def count_output(parts: Iterable[Part], model: str) -> int:
    """The output tokens of what a model said, in whole or as far as it came."""
    rule = rule_for(model)
    texts: list[str] = []
    calls = arguments = 0
    for part in parts:
        match part:
            case Text(text=text) | Refusal(text=text) | Thinking(text=text):
                texts.append(text)
            case ToolCall(name=name, arguments=said):
                texts += (name, said)
                calls += 1
                arguments += said.count('":')
            case Opaque(value=value):
                texts.append(_json(value).decode())
    if not any(texts):
        return 0
    each = rule.parallel if calls > 1 and rule.parallel else rule.call
    count = -(-_count(texts, encoding(rule.encoding)) * rule.written // 100)
    return count + rule.answer * (not calls) + calls * each + arguments * rule.argument


def _turn_under_way(request: Request) -> int:
    """The number of the message in which the user last said something that is no tool's result."""
    for number in range(len(request.messages) - 1, -1, -1):
        message = request.messages[number]
        if message.role == "user" and not any(isinstance(part, ToolResult) for part in message.parts):
            return number
    return 0


def _walk(parts: Iterable[Part], texts: list[str], rule: Rule) -> int:
    """Collects what is text, and returns the tokens of what is not."""
    fixed = 0
    for part in parts:
        match part:
            case Text(text=text) | Refusal(text=text) | Thinking(text=text):
                texts.append(text)
            case ToolCall(name=name, arguments=arguments):
                texts += (name, arguments)
                fixed += rule.tool
            case ToolResult(content=content):
                fixed += rule.message + _walk(content, texts, rule)
            case Media():
                fixed += _media(part, rule)
            case Opaque(value=value):
                texts.append(_json(value).decode())
    return fixed


def _media(media: Media, rule: Rule) -> int:
    size = len(media.source.data) * 3 // 4 if isinstance(media.source, Inline) else 0
    family = media.media_type.partition("/")[0]
    if family == "image":
        return rule.image
    if family in ("audio", "video"):
        return max(1, size // AUDIO_BYTES_PER_TOKEN)
    if family == "text":
        return max(1, size // 4)
    return rule.page * max(1, round(size / PDF_BYTES_PER_PAGE))


def _tool_text(tool: Tool | Opaque) -> str:
    match tool:
        case Opaque(value=value):
            return _json(value).decode()
        case Tool(name=name, description=description, schema=schema):
            return f"{name}\n{description or ''}\n{_json(schema or {}).decode()}"


def _scaled(count: int, rule: Rule) -> int:
    return -(-count * rule.percent // 100)


def _count(texts: Iterable[str], by: Encoding) -> int:
    texts = list(texts)
    length = sum(map(len, texts))
    if length <= EXACT_CHARACTERS_MAX:
        return sum(len(by.encode_ordinary(piece)) for text in texts for piece in _pieces(text))
    whole = "\n".join(texts)
    pieces = EXACT_CHARACTERS_MAX // PIECE_CHARACTERS
    stride = (len(whole) - PIECE_CHARACTERS) / (pieces - 1)
    starts = (round(i * stride) for i in range(pieces))
    sampled = sum(len(by.encode_ordinary(whole[start : start + PIECE_CHARACTERS])) for start in starts)
    return round(sampled * len(whole) / EXACT_CHARACTERS_MAX)


def _pieces(text: str) -> Iterable[str]:
    if len(text) <= PIECE_CHARACTERS:
        return (text,)
    return (text[start : start + PIECE_CHARACTERS] for start in range(0, len(text), PIECE_CHARACTERS))
