"""examples/recipes: each program does what its first line says."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.examples.programs import EXAMPLES, Desk
from tollbridge import ServiceUnavailableError

CHOOSING: dict[str, Any] = runpy.run_path(str(EXAMPLES / "recipes/choosing.py"))
contains_pii: Callable[[str], bool] = CHOOSING["contains_pii"]
is_simple_query: Callable[[str], bool] = CHOOSING["is_simple_query"]
select_best_model: Callable[[str], str] = CHOOSING["select_best_model"]


@pytest.mark.parametrize(
    "text",
    [
        "Write to ada.lovelace+orders@mail.example.co.uk today",
        "Call +49 (0)30 1234567 after five",
        "My number is (555) 123-4567.",
        "030/12345678 is where I am",
        "paid with 4111 1111 1111 1111",
        "card 378282246310005, thanks",
        "transfer to DE89 3704 0044 0532 0130 00 please",
        "GB82WEST12345698765432",
        "her SSN is 078-05-1120.",
    ],
)
def test_what_is_personal_is_found(text: str) -> None:
    assert contains_pii(text)
    assert select_best_model(text) == CHOOSING["LOCAL"]


@pytest.mark.parametrize(
    "text",
    [
        "What is the account value of C-1001?",
        "Order 4111 1111 1111 1112 is late",  # no card: its check digit is wrong
        "DE89 3704 0044 0532 0130 02 is no account",
        "It happened on 2026-11-26 at 12:30:45",
        "Pi is 3.14159265358979, e is 0.27182818284590",
        "version 10.20.30.40 at @home",
        "We sold 1 250 000 of them",
    ],
)
def test_what_only_looks_alike_is_not(text: str) -> None:
    assert not contains_pii(text)


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        ("What are your opening hours?", True),
        ("Hello!", True),
        ("Why is the sky blue?", False),
        ("Where is it? And when does it come?", False),
        ("```python\nx = 1\n``` what is x", False),
        ("word " * 31, False),
    ],
)
def test_a_query_is_simple_where_it_is_short_and_asks_for_no_thinking(text: str, simple: bool) -> None:
    assert is_simple_query(text) is simple
    assert select_best_model(text) == CHOOSING["CHEAP" if simple else "CAPABLE"]


def test_simple_questions_go_to_the_cheap_model(desk: Desk) -> None:
    cheap, capable = desk.run("recipes/cost_routing.py").splitlines()
    assert re.match(r"demo/cheap: .*opening hours", cheap)
    assert re.match(r"demo/capable: .*Compare", capable)


def test_personal_data_stays_local_with_the_same_tools(desk: Desk) -> None:
    cloud, local = desk.run("recipes/compliance_routing.py").split("demo/local: ")
    assert cloud.startswith("demo/capable: ")
    assert '"total": 523.75' in cloud
    assert '"total": 118.0' in local


def test_the_next_model_answers_by_one_call_and_by_hand(desk: Desk) -> None:
    said = desk.run("recipes/fallbacks.py").splitlines()
    assert said[0] == said[-1]
    assert said[0].startswith("assistant answered: ")
    assert [line.partition(" ")[0] for line in said[1:3]] == ["demo/error-503", "demo/error-429"]
    with pytest.raises(ServiceUnavailableError):
        desk.run("recipes/fallbacks.py", "demo/error-503", "demo/error-503")


def test_a_loop_of_which_nobody_answers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["fallbacks.py", "demo/error-503", "demo/error-429"])
    with pytest.raises(SystemExit, match="None of them"):
        runpy.run_path(str(EXAMPLES / "recipes/fallbacks.py"))["by_hand"]()


def test_each_model_has_its_own_settings(desk: Desk) -> None:
    ends = re.findall(r"^(demo/\w+) \((\w+)\)", desk.run("recipes/settings_per_model.py"), re.MULTILINE)
    assert ends == [("demo/cheap", "length"), ("demo/capable", "stop"), ("demo/local", "stop")]


def test_an_answer_is_shown_with_its_cost_and_its_time_and_what_others_would_have_asked(desk: Desk) -> None:
    said = desk.run("recipes/cost_tracking.py")
    assert re.search(r"^demo/assistant: [$]0\.0000 in \d+ ms$", said, re.MULTILINE)
    others = dict(re.findall(r"^(\S+): [$](\d\.\d{6}) for \d+ \+ \d+ tokens$", said, re.MULTILINE))
    assert len(others) == 4
    assert 0 < float(others["gpt-4.1-mini"]) < float(others["gpt-4.1"])


def test_a_stream_shows_the_call_and_then_the_answer(desk: Desk) -> None:
    call, *answer = desk.run("recipes/streaming_with_tools.py").splitlines()
    assert call == 'calculate_account_value{"customer_id":"C-1001"}'
    assert '  "total": 523.75,' in answer
