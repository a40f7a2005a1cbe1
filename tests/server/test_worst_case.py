"""What a request may cost: bounds hold over every recorded exchange, and no spelling gets under them (S63)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.shared import SHARED, recordings
from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.catalog.pricing import UNPRICED, Tariff
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.server import worst_case
from tollbridge.server.worst_case import AROUND_TOKENS, Bounds, Worst
from tollbridge.server.worst_case import worst_case as judge
from tollbridge.transport.base import Timeouts
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES

PRICES = {"input": 2_000_000_000, "output": 10_000_000_000}  # 2 and 10 dollars a million: 2,000 and 10,000 a token
USAGE = {"openai_chat": "usage", "anthropic_messages": "usage", "gemini": "usageMetadata"}
LIMITS = frozenset(worst_case.OUTPUT_FIELDS)
HELLO = [{"role": "user", "content": "Hello!"}]


def deployment(model: str = "openai/gpt-4o", tariff: Tariff | None = None, **said: Any) -> Deployment:
    built = build(Wanted(id="d", group="m", model=model, given=Given(api_key="k")), {}, ROWS)
    return msgspec.structs.replace(built, **said, **({} if tariff is None else {"tariff": tariff}))


def limits(most_input: int | None, most_output: int | None, tariff: Tariff | None = None, **said: Any) -> Deployment:
    plain = deployment(tariff=tariff or Tariff(PRICES, "test"), **said)
    facts = None if plain.facts is None else msgspec.structs.replace(plain.facts, max_input_tokens=most_input)
    target = msgspec.structs.replace(plain.target, max_output_tokens=most_output)
    return msgspec.structs.replace(plain, facts=facts, target=target)


def ask(body: str | None = None, wire: Wire = OPENAI_CHAT, **fields: Any) -> Ask:
    raw = (json.dumps({"model": "m", "messages": HELLO, **fields}) if body is None else body).encode()
    return Ask(wire, raw, peek(raw), "m", stream=False)


def out(place: Deployment, **fields: Any) -> int:
    return Bounds(ask(**fields)).output_tokens(place)


@pytest.mark.skipif(not (SHARED / "recordings").exists(), reason="../shared/recordings is not here")
def test_no_recorded_exchange_used_more_than_its_bound() -> None:
    place, checked, likely, used = limits(None, None), 0, 0, 0
    pairs = ((OPENAI_CHAT, "chat.completions"), (ANTHROPIC_MESSAGES, "messages"), (GEMINI, "generateContent"))
    for wire, endpoint in pairs:
        for exchange in recordings(endpoints=(endpoint,)):
            body, answer = exchange.get("request_body"), exchange.get("response_body")
            if (
                not isinstance(body, dict)
                or not isinstance(answer, dict)
                or not isinstance(answer.get(USAGE[wire.name]), dict)
            ):
                continue
            usage = wire.read_response(answer).usage
            if usage is None:
                continue
            asked = ask(json.dumps(body), wire)
            assert usage.input <= Bounds(asked).input_tokens(), exchange["id"]
            if not LIMITS.isdisjoint(body):
                assert usage.output <= Bounds(asked).output_tokens(place), exchange["id"]
            checked += 1
            open_ended = {name: value for name, value in body.items() if name not in LIMITS}
            likely += Bounds(ask(json.dumps(open_ended), wire)).likely_tokens([place], output=0)
            used += usage.input
    assert checked > 500
    assert 0.5 < likely / used < 2


@pytest.mark.parametrize("name", worst_case.OUTPUT_FIELDS)
def test_every_name_of_the_limit_counts_and_the_largest_holds(name: str) -> None:
    place = limits(128_000, None)
    assert out(place, **{name: 700}) == 700
    assert out(place, **{"max_tokens": 1, "max_completion_tokens": 2, name: 700}) == 700


@pytest.mark.parametrize("value", [700, 700.0, "700", "7e2"])
def test_a_number_counts_however_it_is_spelled(value: Any) -> None:
    assert out(limits(128_000, None), max_tokens=value) == 700


@pytest.mark.parametrize("value", [None, "many", True, [700], {"a": 1}])
def test_what_is_no_number_says_nothing(value: Any) -> None:
    assert out(limits(128_000, 4_000), max_tokens=value) == 4_000


@pytest.mark.parametrize("limit", ["0", "-1", '"-1"', "-0.5", "-1e999", "-9999999999999999999999"])
@pytest.mark.parametrize("name", worst_case.OUTPUT_FIELDS)
def test_a_limit_below_one_is_none(name: str, limit: str) -> None:
    """S63: -1 is no limit to llama.cpp, LM Studio and Ollama, and 0 is none to some."""

    def spelled(**more: int) -> Ask:
        return ask(f'{{"model": "m", "{name}": {limit}' + "".join(f', "{k}": {v}' for k, v in more.items()) + "}")

    assert Bounds(spelled()).output_tokens(limits(None, None)) == worst_case.OUTPUT_TOKENS
    assert Bounds(spelled()).output_tokens(limits(None, 4_000)) == 4_000
    another = next(field for field in worst_case.OUTPUT_FIELDS if field != name)
    assert Bounds(spelled(**{another: 7})).output_tokens(limits(None, 4_000)) == 4_000
    assert Bounds(spelled(**{another: 10**6})).output_tokens(limits(None, None)) == 10**6
    assert Bounds(spelled()).likely_tokens([limits(None, None)]) >= worst_case.LIKELY_OUTPUT_TOKENS


def test_many_answers_cost_many_times() -> None:
    place = limits(128_000, 1_000)
    assert out(place, n=128, max_tokens=50) == 128 * 50
    assert out(place, n=128) == 128 * 1_000
    assert out(place, n=2, best_of=5, max_tokens=50) == 5 * 50
    assert out(place, n=0, max_tokens=50) == out(place, n=-3, max_tokens=50) == 50


def test_nobody_gives_more_than_the_model_can() -> None:
    assert out(limits(128_000, 4_000), max_tokens=10**12) == 4_000
    assert out(limits(128_000, None), max_tokens=10**30) == worst_case.NUMBER_MAX
    assert out(limits(128_000, None)) == worst_case.OUTPUT_TOKENS


def test_what_the_operator_forces_holds_and_what_is_the_default_stands_in() -> None:
    raw = msgspec.Raw(b"300")
    assert out(limits(None, 4_000, forced_raw={"max_tokens": raw}), max_tokens=4_000) == 300
    assert out(limits(None, 4_000, defaults_raw={"max_tokens": raw}), max_tokens=50) == 50
    assert out(limits(None, 4_000, defaults_raw={"max_tokens": raw})) == 300
    assert out(limits(None, 4_000, forced_raw={"n": msgspec.Raw(b"3")}), n=1, max_tokens=10) == 30


def test_a_price_is_that_of_the_bounds_at_the_dearest_deployment() -> None:
    asked = ask(max_tokens=100)
    cheap = limits(128_000, 4_000)
    dear = limits(128_000, 4_000, Tariff({"input": 20_000_000_000, "output": 10_000_000_000}, "test"))
    assert Bounds(asked).price([cheap]) == (len(asked.body) + AROUND_TOKENS) * 2_000 + 100 * 10_000
    assert Bounds(asked).price([cheap, dear]) == (len(asked.body) + AROUND_TOKENS) * 20_000 + 100 * 10_000
    assert Bounds(asked).price([dear, cheap]) == Bounds(asked).price([cheap, dear])


def test_nobody_takes_more_than_its_window() -> None:
    asked = ask(messages=[{"role": "user", "content": "x" * 100_000}], max_tokens=1)
    assert Bounds(asked).price([limits(8_000, 4_000)]) == 8_000 * 2_000 + 10_000


def test_a_price_that_is_not_known_counts_only_where_nothing_else_does() -> None:
    asked, priced = ask(max_tokens=1), limits(128_000, 4_000)
    unpriced, free = limits(None, None, UNPRICED), limits(None, None, Tariff({"input": 0, "output": 0}, "local"))
    assert Bounds(asked).price([unpriced]) is None
    assert Bounds(asked).price([unpriced, free]) is None
    assert Bounds(asked).price([free]) == 0
    assert Bounds(asked).price([unpriced, priced]) == Bounds(asked).price([priced])


def test_a_dearer_service_is_reckoned_with_and_a_cheaper_one_may_be_refused() -> None:
    prices = {**PRICES, "input@priority": 4_000_000_000, "output@priority": 20_000_000_000}
    place = limits(128_000, 4_000, Tariff({**prices, "input@flex": 1, "output@flex": 1}, "test"))
    plain = ask(max_tokens=100)
    for tier, factor in (("priority", 2), ("flex", 1), ("auto", 1), ("default", 1), ("unheard-of", 1), (None, 1)):
        asked = ask(max_tokens=100, service_tier=tier)
        extra = (len(asked.body) - len(plain.body)) * 2_000
        base = Bounds(plain).price([place])
        assert base is not None
        assert Bounds(asked).price([place]) == factor * (base + extra)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ],
)
def test_a_link_to_a_medium_may_be_many_tokens(part: dict[str, Any]) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": [part]}]})
    assert Bounds(ask(body)).input_tokens() >= worst_case.MEDIUM_TOKENS
    for letter in "mceldiu":  # spelled as an escape, it is the same word
        spelled = body.replace(letter, f"\\u{ord(letter):04x}").replace(f"\\u{ord('m'):04x}o", "mo")
        if '"model"' in spelled and '"messages"' in spelled:
            assert Bounds(ask(spelled)).input_tokens() >= worst_case.MEDIUM_TOKENS


@pytest.mark.parametrize(
    "said",
    [
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"web_search_options": {}},
        {"search_domain_filter": ["a.com"]},
        {"num_search_results": 3},
        {"mcp_servers": [{"type": "url", "url": "https://example.com/mcp"}]},
    ],
)
def test_a_provider_that_reads_on_its_own_may_read_much(said: dict[str, Any]) -> None:
    assert Bounds(ask(**said)).input_tokens() >= worst_case.MEDIUM_TOKENS
    own = ask(tools=[{"type": "function", "function": {"name": "web_search"}}])
    assert Bounds(own).input_tokens() == len(own.body) + AROUND_TOKENS


def test_a_prediction_is_paid_for() -> None:
    place = limits(128_000, 4_000)
    plain = ask(max_tokens=1)
    predicting = ask(max_tokens=1, prediction={"type": "content", "content": "y" * 500})
    more = Bounds(predicting).price([place]), Bounds(plain).price([place])
    assert more[0] is not None
    assert more[1] is not None
    assert more[0] - more[1] >= 500 * 10_000


def test_likely_tokens_are_a_quarter_of_the_bytes_and_what_was_asked_for() -> None:
    place = limits(128_000, 4_000)
    asked = ask(messages=[{"role": "user", "content": "x" * 4_000}], max_tokens=200)
    assert Bounds(asked).likely_tokens([place]) == len(asked.body) // 4 + 200
    assert Bounds(ask(max_tokens=200, n=3)).likely_tokens([place]) == Bounds(ask(max_tokens=600, n=1)).likely_tokens(
        [place]
    )
    quiet = ask()
    assert Bounds(quiet).likely_tokens([place]) == len(quiet.body) // 4 + worst_case.LIKELY_OUTPUT_TOKENS
    assert Bounds(quiet).likely_tokens([place], output=50) == len(quiet.body) // 4 + 50
    assert Bounds(ask(max_tokens=10**9)).likely_tokens([place]) < 4_100
    assert Bounds(ask(max_tokens=10**9)).likely_tokens([place, limits(None, None)]) > 10**9


def test_a_photograph_is_not_taken_for_text() -> None:
    photograph = "A" * 1_000_000
    for part in (
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{photograph}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": photograph}},
    ):
        asked = ask(messages=[{"role": "user", "content": [part]}], max_tokens=100)
        assert Bounds(asked).likely_tokens([limits(128_000, 4_000)]) < 2_000


def test_a_program_that_speaks_of_files_is_not_taken_for_media() -> None:
    tools = [{"name": "read", "input_schema": {"properties": {"file": {"type": "string"}, "image": {}}}}] * 20
    asked = ask(wire=ANTHROPIC_MESSAGES, tools=tools, max_tokens=100)
    assert Bounds(asked).likely_tokens([limits(128_000, 4_000)]) < len(asked.body) // 4 + 101


def test_only_what_is_asked_for_is_reckoned() -> None:
    asked, place = ask(max_tokens=100), limits(128_000, 4_000)
    bounds = Bounds(asked)
    tokens, price = bounds.likely_tokens([place]), bounds.price([place])
    assert judge(asked, [place], priced=True, counted=True) == Worst(tokens, price)
    assert judge(asked, [place], priced=False, counted=True) == Worst(tokens, 0)
    assert judge(asked, [place], priced=True, counted=False) == Worst(0, price)
    assert judge(asked, [place], priced=False, counted=False) == Worst(0, 0)


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "prompt"])
def test_what_the_provider_keeps_may_fill_the_whole_window(field: str) -> None:
    place = limits(128_000, 1_000)
    body = {"input": "Hi", "max_output_tokens": 1_000}
    kept = {"id": "pmpt_1"} if field == "prompt" else "kept"
    plain, full = (ask(json.dumps({"model": "m", **body, field: value}), OPENAI_RESPONSES) for value in (None, kept))
    worst = judge(full, [place], priced=True, counted=False).nanousd
    assert worst == 128_000 * 2_000 + 1_000 * 10_000
    assert (judge(plain, [place], priced=True, counted=False).nanousd or 0) < worst / 10


def test_the_prompt_of_a_completion_is_as_long_as_it_is() -> None:
    place = limits(None, 1_000)
    for prompt in ("a", ["a"], [1]):
        body = json.dumps({"model": "m", "prompt": prompt})
        assert judge(ask(body), [place], priced=True, counted=False) == Worst(
            0, (len(body) + AROUND_TOKENS) * 2_000 + 1_000 * 10_000
        )


def test_a_number_in_quotes_counts_however_its_digits_are_spelled() -> None:
    body = '{"model":"m","messages":[],"max_tokens":"\\u0037\\u00300"}'
    assert Bounds(ask(body)).output_tokens(limits(128_000, None)) == 700


def test_time_is_bound_by_the_total_timeout_of_whole_answers_and_of_streams() -> None:
    timed = Tariff({"input": 0, "output": 0, "per_second": 10**15}, "config")
    place = limits(None, None, timed, timeouts=Timeouts(total_s=5), stream_timeouts=Timeouts())
    assert Bounds(ask()).price([place]) == 5 * 10**9
    endless = ask()
    endless.stream = True
    assert Bounds(endless).price([place]) is None


# A format that has its settings one level deeper, and names kinds by keys


def google(**fields: Any) -> Bounds:
    return Bounds(ask(json.dumps({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], **fields}), GEMINI))


@pytest.mark.parametrize("name", worst_case.SETTINGS_FIELDS)
@pytest.mark.parametrize("spelled", [("maxOutputTokens", "candidateCount"), ("max_output_tokens", "candidate_count")])
def test_settings_one_level_deeper_count_as_those_at_the_top(name: str, spelled: tuple[str, str]) -> None:
    length, choices = spelled
    bounds = google(**{name: {length: 700, choices: 3}})
    assert bounds.output_tokens(limits(128_000, None)) == 2100
    assert bounds.likely_tokens([limits(128_000, None)]) > 2100
    forced = limits(128_000, None, forced_raw={name: msgspec.Raw(json.dumps({length: 50}).encode())})
    assert bounds.output_tokens(forced) == 150


@pytest.mark.parametrize("odd", [[], "x", 3, None])
def test_settings_that_are_no_object_bound_nothing(odd: Any) -> None:
    assert google(generationConfig=odd).output_tokens(limits(128_000, 5000)) == 5000


@pytest.mark.parametrize("part", [{"inlineData": {}}, {"inline_data": {}}, {"fileData": {}}, {"file_data": {}}])
def test_a_medium_that_is_named_by_its_key_counts_as_one(part: dict[str, Any]) -> None:
    plain = google(contents=[{"parts": [{}]}]).input_tokens()
    with_it = google(contents=[{"parts": [part]}]).input_tokens()
    assert with_it - plain > worst_case.MEDIUM_TOKENS


@pytest.mark.parametrize(
    "tool",
    [
        "googleSearch",
        "google_search",
        "googleSearchRetrieval",
        "codeExecution",
        "urlContext",
        "fileSearch",
        "googleMaps",
    ],
)
def test_a_tool_that_google_runs_may_read_what_it_likes(tool: str) -> None:
    plain = google(tools=[{"functionDeclarations": [{"name": "f"}]}]).input_tokens()
    assert google(tools=[{tool: {}}]).input_tokens() > plain + worst_case.MEDIUM_TOKENS // 2


def test_a_prompt_that_was_stored_before_may_fill_a_window() -> None:
    for name in ("cachedContent", "cached_content"):
        assert google(**{name: "cachedContents/x"}).input_tokens() > worst_case.CACHED_TOKENS
