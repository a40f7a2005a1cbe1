"""Which wire reads which of the recorded exchanges, and why the others are read by none.

A new wire gets its line in `READERS`, and loses its reasons in `UNREAD`. Each reader really reads: a request where the
wire has clients, an answer, a stream, an error. The laws are held elsewhere; here nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from tests.wires import laws
from tests.wires.anthropic_messages import recorded as messages
from tests.wires.bedrock_converse import recorded as converse
from tests.wires.gemini import recorded as gemini
from tests.wires.tasks.reading import read_exchange, wire_of
from tollbridge.calls.task_wires import HOMES, provider_task_wire
from tollbridge.errors import APIError
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import ProviderWire, Wire
from tollbridge.wires.bedrock_converse import BEDROCK_CONVERSE
from tollbridge.wires.cohere import COHERE
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.ollama import OLLAMA
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_completions import OPENAI_COMPLETIONS
from tollbridge.wires.openai_responses import OPENAI_RESPONSES
from tollbridge.wires.replicate import REPLICATE

Exchange = dict[str, Any]

REFUSED = {
    "anthropic-messages-27fec8a6536d": "a message that is a string, which Anthropic refused too",
    "openai-chat_completions-28195ab9f418": "a content part without a type, which OpenAI refused too",
    "vertex-generatecontent-394f5472f2a2": "a role that is none, which Vertex refused too",
    "azure-chat_completions-663eb5451753": "an error in a 200",
    "groq-chat_completions-eac0d9feaa12": "an error in a stream",
}
"""Read as the error that each is."""


class Reader(msgspec.Struct, frozen=True):
    """`wanted`: of the exchanges of these endpoints, those in this format. Nobody is named in `providers`: all are."""

    name: str
    endpoints: tuple[str, ...]
    read: Callable[[Exchange], None]
    providers: tuple[str, ...] = ()
    wanted: Callable[[Exchange], bool] = lambda exchange: True

    def takes(self, exchange: Exchange) -> bool:
        of_these = not self.providers or exchange["provider"] in self.providers
        return of_these and exchange["endpoint"] in self.endpoints and self.wanted(exchange)


def _error(wire: ProviderWire, exchange: Exchange) -> None:
    body = exchange.get("response_body")
    text = exchange["response_text"].encode() if body is None else msgspec.json.encode(body)
    error = wire.read_error(exchange["status"], exchange.get("response_headers") or {}, text)
    assert error.status_code == exchange["status"]
    assert error.message


def _named(body: dict[str, Any]) -> dict[str, Any]:
    """With a model, where it stands in the path or in a stored prompt."""
    return body if body.get("model") is not None else {**body, "model": "in-the-path"}


def _conversation(wire: Wire) -> Callable[[Exchange], None]:
    of = {ANTHROPIC_MESSAGES.name: messages, GEMINI.name: gemini}.get(wire.name)

    def read(exchange: Exchange) -> None:
        body, text = exchange.get("response_body"), exchange.get("response_text", "").encode()
        asked = exchange.get("request_body") if of is None else of.request_of(exchange)
        if isinstance(asked, dict) and exchange["endpoint"] != "completions":
            wire.read_request(_named(asked))
        if exchange["status"] >= 400:
            _error(wire, exchange)
            return
        stream = (text if exchange.get("stream_format") == "sse" else None) if of is None else of.stream_of(exchange)
        if stream is not None:
            assert laws.read_stream(wire, stream)
        else:
            answer = wire.read_response(body)
            assert answer.choices or answer.extra

    return read


def _count(wire: Wire) -> Callable[[Exchange], None]:
    def read(exchange: Exchange) -> None:
        wire.read_request(_named(exchange["request_body"]))
        if exchange["status"] >= 400:
            _error(wire, exchange)
        else:
            assert exchange["response_body"][wire.count_field] > 0

    return read


def _compaction(exchange: Exchange) -> None:
    OPENAI_RESPONSES.read_request(exchange["request_body"])
    body = exchange["response_body"]
    along = OPENAI_RESPONSES.read_along(msgspec.json.encode(body))
    assert along.usage is not None
    assert (along.id, along.usage.output) == (body["id"], body["usage"]["output_tokens"])
    OPENAI_RESPONSES.read_request({"model": "m", "input": body["output"]})  # as a client goes on from it


def _answer(wire: ProviderWire) -> Callable[[Exchange], None]:
    """Of a format that only providers speak: what clients sent there is no dialect of ours."""

    def read(exchange: Exchange) -> None:
        if exchange["status"] >= 400:
            _error(wire, exchange)
        elif exchange.get("stream_format") is not None:
            parser, reader = wire.stream_parser(), wire.stream_reader()
            framed = [*parser.feed(exchange["response_text"].encode()), *parser.close()]
            assert [event for one in framed for event in reader.feed(one)]
            list(reader.close())
        else:
            assert wire.read_response(exchange["response_body"]).choices

    return read


def _converse(exchange: Exchange) -> None:
    if exchange["status"] >= 400:
        _error(BEDROCK_CONVERSE, exchange)
    elif (stream := converse.stream_of(exchange)) is not None:
        assert converse.read_in_pieces([stream])
    else:
        assert BEDROCK_CONVERSE.read_response(exchange["response_body"]).choices


def _prediction(exchange: Exchange) -> None:
    """Of a model of pictures: its output is a list of texts, as a language model's is."""
    body = exchange["response_body"]
    assert REPLICATE.next_step(body, False) or REPLICATE.read_response(body).choices


def _is_claude(exchange: Exchange) -> bool:
    body = exchange.get("request_body")
    return isinstance(body, dict) and "anthropic_version" in body


UNRECORDED = frozenset(
    {"jina_embeddings", "tei_embeddings", "tei_rerank", "mistral_moderations", "openai_speech"}
    | {"gemini_images", "imagen_images", "fal_images", "stability_images", "elevenlabs_speech"}
    | {"polly_speech"}
)
"""Formats of tasks of which there are no recordings."""
TASKS = (
    *(
        "embeddings",
        "v1.embed",
        "v2.embed",
        "batchEmbedContents",
        "embedContent",
        "predict",
        "api.embeddings",
        "invoke",
    ),
    *("rerank", "v1.rerank", "v2.rerank", "moderations", "audio.speech", "images.generations", "images.edits"),
)
TASK_WIRES = tuple(
    name
    for name in HOMES
    if provider_task_wire(name).task.name in ("embeddings", "rerank", "moderations", "speech", "images", "image_edits")
    and name not in UNRECORDED
)


def _is_of(name: str, exchange: Exchange) -> bool:
    return wire_of(exchange) == name


READERS: tuple[Reader, ...] = (
    Reader("openai_chat", ("chat.completions", "chat"), _conversation(OPENAI_CHAT)),
    Reader("openai_chat", ("completions",), _conversation(OPENAI_CHAT), ("portkey",)),
    Reader("openai_responses", ("responses", "responses.item"), _conversation(OPENAI_RESPONSES)),
    Reader("openai_responses", ("responses.compact",), _compaction),
    Reader("openai_responses", ("responses.input_tokens",), _count(OPENAI_RESPONSES)),
    Reader("anthropic_messages", ("messages",), _conversation(ANTHROPIC_MESSAGES)),
    Reader(
        "anthropic_messages", ("invoke", "invoke-stream"), _conversation(ANTHROPIC_MESSAGES), ("bedrock",), _is_claude
    ),
    Reader("anthropic_messages", ("messages.count_tokens",), _count(ANTHROPIC_MESSAGES)),
    Reader("gemini", ("generateContent", "streamGenerateContent"), _conversation(GEMINI)),
    Reader("gemini", ("countTokens",), _count(GEMINI)),
    Reader("openai_completions", ("completions",), _conversation(OPENAI_COMPLETIONS), ("openai", "writer")),
    Reader("bedrock_converse", ("converse", "converse-stream"), _converse),
    Reader("cohere", ("v2.chat",), _answer(COHERE)),
    Reader("ollama", ("api.chat", "api.generate"), _answer(OLLAMA)),
    Reader("replicate", ("predictions", "predictions.item"), _prediction),
    *(Reader(name, TASKS, read_exchange, (), partial(_is_of, name)) for name in TASK_WIRES),
)

_BATCHES = "files and batches go on as they are, but for their ids: no wire reads them"
_MODELS = "lists of models are not asked for: the catalog has them"
_TASK = "the task is not served"
_OLD = "completion of a text, which its vendor replaced by chat"
_OTHERS = "formats of single makers, which Converse covers"

UNREAD: Mapping[str, str] = {
    "models": _MODELS,
    "api.show": _MODELS,
    "files": _BATCHES,
    "batches": _BATCHES,
    "messages.batches": _BATCHES,
    "batchGenerateContent": _BATCHES,
    "complete": _OLD,
    "v1.generate": _OLD,
    "v1.chat": "Cohere's first chat, which its v2 replaced",
    "invoke": _OTHERS,
    "invoke-stream": _OTHERS,
    "count-tokens": "the endpoint is not asked",
    "invocations": "the format is the model's own",
    "ocr": _TASK,
}
"""Why the exchanges of an endpoint that no reader takes are read by none."""


def reader_of(exchange: Exchange) -> Reader | None:
    return next((reader for reader in READERS if reader.takes(exchange)), None)


def read(reader: Reader, exchange: Exchange) -> None:
    """Raises AssertionError or APIError where it cannot be read."""
    if exchange["id"] not in REFUSED:
        reader.read(exchange)
        return
    try:
        reader.read(exchange)
    except APIError:
        return
    raise AssertionError("it was to be refused")
