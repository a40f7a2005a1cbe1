"""What a task is held to before it is asked: never less than what it then costs, unknown where nobody knows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge.calls.build import Wanted, build
from tollbridge.calls.task_ask import TaskAsk, read_fields
from tollbridge.calls.task_wires import task_wire
from tollbridge.model.response import Usage
from tollbridge.model.tasks.task import Upload
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.server.task_worst_case import worst_task
from tollbridge.wires.multipart import write_form
from tollbridge.wires.task import Form


def asked(dialect: str, body: dict[str, Any] | Form) -> TaskAsk:
    raw, kind = write_form(body) if isinstance(body, Form) else (json.dumps(body).encode(), "application/json")
    fields, form = read_fields(raw, kind)
    ask = TaskAsk(task_wire(dialect), raw, fields, "m", stream=False)  # type: ignore[arg-type]
    ask.form = form
    return ask


def deployment(model: str, **prices: int) -> Any:
    return build(Wanted(id="d", group="m", model=model, given=Given(api_key="k"), prices=prices), {}, ROWS)


CASES: list[tuple[str, str, Any, Usage]] = [
    ("openai_embeddings", "openai/text-embedding-3-small", {"input": ["hello", "wörld"]}, Usage(input=4, units={})),
    (
        "cohere_rerank",
        "cohere/rerank-v3.5",
        {"query": "q", "documents": ["a"] * 150},
        Usage(units={"search_units": 2}),
    ),
    ("openai_speech", "openai/tts-1", {"input": "hello"}, Usage(units={"characters": 5})),
    (
        "openai_speech",
        "openai/gpt-4o-mini-tts",
        {"input": "hello"},
        Usage(input=4, output=40, audio_output=40, units={"characters": 5}),
    ),
    ("openai_images", "gemini/imagen-3.0-generate-001", {"prompt": "cat", "n": 3}, Usage(units={"images": 3})),
    (
        "openai_images",
        "openai/gpt-image-1",
        {"prompt": "cat", "quality": "high"},
        Usage(input=12, output=6240, image_output=6240, units={"images": 1}),
    ),
    (
        "openai_transcriptions",
        "openai/whisper-1",
        Form((("file", Upload("s.opus", "audio/ogg", b"x" * 7_500)),)),
        Usage(units={"audio_ms": 9_999}),
    ),
]


@pytest.mark.parametrize(("dialect", "model", "body", "usage"), CASES, ids=[case[1] for case in CASES])
def test_nothing_costs_more_than_was_held_for_it(dialect: str, model: str, body: Any, usage: Usage) -> None:
    made = deployment(model)
    cost = made.tariff.cost(usage)
    worst = worst_task(asked(dialect, body), [made])
    assert cost
    assert worst.nanousd is not None
    assert cost <= worst.nanousd


def test_the_dearest_of_those_that_may_answer_counts() -> None:
    cheap, dear = deployment("cohere/own", per_query=10**15), deployment("cohere/own", per_query=3 * 10**15)
    ask = asked("cohere_rerank", {"query": "q", "documents": ["a"]})
    assert worst_task(ask, [cheap, dear]).nanousd == 3 * 10**9
    assert worst_task(ask, [deployment("cohere/own")]).nanousd is None
    assert worst_task(ask, [cheap, deployment("cohere/own")]).nanousd == 10**9


def test_what_only_the_provider_can_read_is_held_by_its_size() -> None:
    ask = asked("openai_embeddings", {"input": {"odd": "x" * 1000}})
    worst = worst_task(ask, [deployment("openai/text-embedding-3-small")])
    assert worst.nanousd is not None
    assert worst.nanousd >= 1000 * 20
    assert worst.tokens >= 250
