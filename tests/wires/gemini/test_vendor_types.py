"""What we write in this format for others' requests and answers, to the last field: the types of the vendor's own SDK
are the judge, and they forbid what they do not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from google.genai import types
from pydantic import BaseModel

from tests.wires import laws
from tests.wires.test_cross_wire import SEALS, WIRES, exchanges_of
from tollbridge.errors import APIError, BadRequestError
from tollbridge.model.fold import fold
from tollbridge.wires.base import Target
from tollbridge.wires.gemini.wire import GEMINI

OTHERS = [name for name in WIRES if name != GEMINI.name]
MODELS = ("gemini-3-flash", "gemini-2.5-pro", "gemini-2.0-flash")
TOP: dict[str, type[BaseModel]] = {
    "systemInstruction": types.Content,
    "toolConfig": types.ToolConfig,
    "generationConfig": types.GenerationConfig,
}


def judged(kind: type[BaseModel], value: Any) -> None:
    kind.model_validate_json(msgspec.json.encode(value))


def bodies(name: str) -> Iterator[dict[str, Any]]:
    for _, request, _, _ in exchanges_of(name):
        if not isinstance(request, dict):
            continue
        for model in MODELS:
            try:
                read = WIRES[name].read_request(request).value
                yield GEMINI.write_request(read, Target(model=model, max_output_tokens=64000)).value.body
            except BadRequestError:
                continue  # test_cross_wire says which


@pytest.mark.parametrize("name", OTHERS)
def test_every_request_of_another_dialect_is_one_that_the_sdk_could_have_sent(name: str) -> None:
    seen = 0
    for body in bodies(name):
        assert body.keys() <= {"contents", "tools", "serviceTier", *TOP}
        assert body.get("serviceTier") in (None, *[tier.value for tier in types.ServiceTier])
        for content in body["contents"]:
            judged(types.Content, content)
            assert content["parts"]
            assert content["role"] in ("user", "model")
        for tool in body.get("tools", ()):
            judged(types.Tool, tool)
        for key, kind in TOP.items():
            if key in body:
                judged(kind, body[key])
        seen += 1
    assert seen > 100


@pytest.mark.parametrize("name", OTHERS)
def test_every_answer_and_chunk_of_another_wire_is_one_that_the_sdk_reads(name: str) -> None:
    seen = 0
    for _, _, answer, stream in exchanges_of(name):
        try:
            if answer is not None:
                judged(
                    types.GenerateContentResponse, GEMINI.write_response(WIRES[name].read_response(answer), SEALS).value
                )
                seen += 1
            if stream is not None:
                events = laws.read_stream(WIRES[name], stream)
                for chunk in laws.frame(laws.write_stream(GEMINI, events, fold(events, origin=name), seals=SEALS)):
                    judged(types.GenerateContentResponse, msgspec.json.decode(chunk.data))
                    seen += 1
        except APIError:
            continue  # an error in a 200
    assert seen > 100
