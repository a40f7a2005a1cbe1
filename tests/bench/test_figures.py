"""Medians, ratios within a round, and goals."""

from __future__ import annotations

import pytest

from bench.accounts import Sums
from bench.bodies import request_body
from bench.figures import Figures
from bench.goals import GOALS, judge
from bench.mock.dialects import DIALECTS
from bench.mock.script import read_script
from bench.report import figure_rows, goal_rows, markdown_table, sum_of, text_table
from bench.scenarios import SCENARIOS, script_of


def test_a_ratio_is_taken_within_each_round_before_the_median() -> None:
    figures = Figures()
    for number, (ours, nginx) in enumerate([(2.0, 1.0), (30.0, 10.0), (4.0, 1.0)]):
        figures.add("json-1k", "tollbridge", number, {"cpu_ms": ours})
        figures.add("json-1k", "nginx", number, {"cpu_ms": nginx})
    assert figures.ratio(("json-1k", "tollbridge", "cpu_ms"), ("json-1k", "nginx", "cpu_ms")) == 3.0
    assert figures.value("json-1k", "tollbridge", "cpu_ms") == 4.0


def test_a_round_in_which_one_side_is_missing_does_not_count() -> None:
    figures = Figures()
    figures.add("json-1k", "tollbridge", 0, {"cpu_ms": 9.0})
    figures.add("json-1k", "nginx", 1, {"cpu_ms": 1.0})
    assert figures.ratio(("json-1k", "tollbridge", "cpu_ms"), ("json-1k", "nginx", "cpu_ms")) is None


def test_goals_that_were_not_measured_are_neither_met_nor_missed() -> None:
    assert {verdict.met for verdict in judge(Figures())} == {None}


@pytest.mark.parametrize(("ours", "met"), [(2.9, True), (3.1, False)])
def test_the_relay_goal_holds_up_to_three_times_nginx(ours: float, met: bool) -> None:
    figures = Figures()
    figures.add("json-1k", "tollbridge", 0, {"cpu_ms": ours})
    figures.add("json-1k", "nginx", 0, {"cpu_ms": 1.0})
    assert judge(figures)[0].met is met


def test_less_than_litellm_is_judged_from_the_other_side() -> None:
    figures = Figures()
    figures.add("json-1k", "tollbridge", 0, {"cpu_ms": 0.04})
    figures.add("json-1k", "litellm", 0, {"cpu_ms": 8.0})
    assert [verdict.met for verdict in judge(figures) if "LiteLLM" in verdict.goal.title] == [True]


def test_goals_name_scenarios_that_exist() -> None:
    names = {scenario.name for scenario in SCENARIOS}
    keys = [key for goal in GOALS for key in (goal.figure, goal.against) if key]
    assert {key[0] for key in keys} <= names


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_requests_have_the_size_that_the_scenario_states(scenario: object) -> None:
    known = next(each for each in SCENARIOS if each is scenario)
    body = request_body(known.client, known.name, known.body_bytes, known.stream)
    assert len(body) == known.body_bytes


@pytest.mark.parametrize(("name", "size"), [("json-1k", 1024), ("json-4k", 4096), ("messages-4k", 4096)])
def test_answers_are_about_as_long_as_requests(name: str, size: int) -> None:
    scenario = next(each for each in SCENARIOS if each.name == name)
    script = read_script(script_of(scenario, 1.0))
    assert len(DIALECTS[scenario.upstream].answer(name, script).json) == pytest.approx(size, rel=0.15)


def test_both_tables_hold_every_goal() -> None:
    rows = goal_rows(judge(Figures()))
    for table in (text_table, markdown_table):
        assert len(table(rows).splitlines()) == len(GOALS) + 2


def test_a_row_says_how_many_of_its_requests_are_in_the_ledger_as_on_the_bill() -> None:
    checked = {"json-1k": [Sums(3, 30, 6, 135_000), Sums(4, 40, 8, 180_000)]}
    rows = figure_rows(
        Figures(), checked, [each for each in SCENARIOS if each.name in ("json-1k", "json-4k")], ["nginx"]
    )
    assert [row[-1] for row in rows] == ["ledger = bill", "7", "-"]
    assert "compared 2 times" in sum_of(checked)
    assert "7 requests, 70 tokens in, 14 out, 0.000315000 dollars" in sum_of(checked)
