"""What a row says that its model cannot read is left out and told in the provider's own format too; a body without it
goes on byte for byte."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import WIRES, Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.errors import UnsupportedParamsError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS

ROW = {"openai_chat": "fireworks_ai", "anthropic_messages": "anthropic", "gemini": "gemini"}
PIXEL = "iVBORw0KGgo="
HI = "What is it?"


def deployed(dialect: str, *lacks: str) -> Deployment:
    row = msgspec.structs.replace(ROWS[ROW[dialect]], name="own", lacks=frozenset(lacks), models=(), patches=())
    wanted = Wanted(id="d", group="m", model="own/model", given=Given(api_key="k", api_base="https://own.example/v1"))
    return build(wanted, {}, {**ROWS, "own": row})


def prepared(dialect: str, body: dict[str, Any], *lacks: str, strict: bool = False) -> Prepared:
    data = json.dumps({**({} if dialect == "gemini" else {"model": "m"}), **body}).encode()
    ask = Ask(WIRES[dialect], data, peek(data), "m", stream=False, strict=strict)
    return prepare(ask, deployed(dialect, *lacks))


def chat(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": HI}, *parts]}]}


def messages(*parts: Any) -> dict[str, Any]:
    return {**chat(*parts), "max_tokens": 9}


def gemini(*parts: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": HI}, *parts]}]}


PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
CASES: list[tuple[str, str, dict[str, Any], bytes, str]] = [
    ("openai_chat", "images", chat(PICTURE), b"image_url", "$.messages[0]"),
    ("openai_chat", "files", chat({"type": "file", "file": {"file_id": "file-1"}}), b"file-1", "$.messages[0]"),
    (
        "openai_chat",
        "audio",
        chat({"type": "input_audio", "input_audio": {"data": PIXEL, "format": "wav"}}),
        b"input_audio",
        "$.messages[0]",
    ),
    (
        "anthropic_messages",
        "images",
        messages({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}),
        b"image/png",
        "$.messages[0]",
    ),
    (
        "anthropic_messages",
        "files",
        messages({"type": "document", "source": {"type": "url", "url": "https://a.example/x.pdf"}}),
        b"x.pdf",
        "$.messages[0]",
    ),
    (
        "gemini",
        "images",
        gemini({"inlineData": {"mimeType": "image/png", "data": PIXEL}}),
        b"image/png",
        "$.contents[0]",
    ),
    (
        "gemini",
        "audio",
        gemini({"file_data": {"mime_type": "audio/wav", "file_uri": "gs://a/b"}}),
        b"gs://",
        "$.contents[0]",
    ),
]


@pytest.mark.parametrize(("dialect", "lacks", "body", "part", "place"), CASES)
def test_an_input_that_the_model_lacks_is_left_out_and_told(
    dialect: str, lacks: str, body: dict[str, Any], part: bytes, place: str
) -> None:
    made = prepared(dialect, body, lacks)
    assert part not in made.outgoing.body
    assert HI.encode() in made.outgoing.body
    assert [(caveat.code, caveat.where) for caveat in made.caveats] == [("dropped_part", place)]
    assert made.relayed  # the answer is in the client's format all the same
    with pytest.raises(UnsupportedParamsError):
        prepared(dialect, body, lacks, strict=True)


@pytest.mark.parametrize(("dialect", "lacks", "body", "part", "place"), CASES)
def test_a_model_that_reads_it_gets_it(dialect: str, lacks: str, body: dict[str, Any], part: bytes, place: str) -> None:
    made = prepared(dialect, body)
    assert part in made.outgoing.body
    assert made.caveats == ()


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai_chat", {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": HI}]}),
        ("anthropic_messages", {**messages(), "system": "Be brief."}),
        ("gemini", {**gemini(), "systemInstruction": {"parts": [{"text": "Be brief."}]}}),
    ],
)
def test_a_system_message_is_told_as_the_users(dialect: str, body: dict[str, Any]) -> None:
    made = prepared(dialect, body, "system")
    assert b'"system' not in made.outgoing.body
    assert b"Be brief." in made.outgoing.body
    assert [caveat.code for caveat in made.caveats] == ["approximated"]


@pytest.mark.parametrize("dialect", ROW)
def test_a_body_without_such_a_part_goes_on_as_it_came(dialect: str) -> None:
    body: dict[str, Any] = gemini() if dialect == "gemini" else messages() if dialect != "openai_chat" else chat()
    body["unknown"] = {"text": 'about "image_url", "image" and "input_audio"', "1": 1.50}
    made = prepared(dialect, body, "images", "files", "audio")
    sent = json.loads(made.outgoing.body)
    assert {name: value for name, value in sent.items() if name != "model"} == body
    assert made.caveats == ()


def test_a_turn_of_earlier_thinking_is_left_out_where_the_model_takes_none_back() -> None:
    said = {"role": "assistant", "content": "4", "reasoning_content": "2 and 2"}
    made = prepared("openai_chat", {"messages": [*chat()["messages"], said, *chat()["messages"]]}, "reasoning_history")
    assert b"2 and 2" not in made.outgoing.body


def test_bodies_are_not_searched_where_a_row_lacks_nothing_that_is_silent() -> None:
    assert deployed("openai_chat", "video", "temperature").unread == ()
    assert deployed("openai_chat").as_is
    assert not deployed("openai_chat", "images").as_is
