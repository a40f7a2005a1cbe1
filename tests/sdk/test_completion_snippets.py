"""Programs that people paste: published ones with `tollbridge` for `litellm`. (Those of docs/ run elsewhere.)

The published pages lost their indentation: each fragment is cut out at test time and its lines are indented by the
digits that the test gives, one a line. `EDITS` are all other changes. What a fragment leaves open is put around it.
"""

from __future__ import annotations

import asyncio
import json
import textwrap
from types import SimpleNamespace
from typing import Any

import pytest

import tollbridge
from tests.sdk.replay import Replay
from tests.shared import SHARED

OPENAI = "openai-chat_completions-0646fea99a4a"
OPENAI_STREAM = "openai-chat_completions-1cc59efe5b6a"
OPENAI_401 = "openai-chat_completions-26228148b85f"
ANTHROPIC = "anthropic-messages-0395e46a4bfb"

EDITS = {
    "from litellm import": "from tollbridge import",
    "asyncfor ": "async for ",
    " inawait ": " in await ",
    "ifhasattr(": "if hasattr(",
}
TOOLS = [{"type": "function", "function": {"name": "t", "parameters": {"type": "object", "properties": {}}}}]
PAGES = sorted(path.name for path in (SHARED / "seeds").glob("*.txt"))
ARTICLE, GUIDE, TRANSLATED = PAGES[0], PAGES[1], PAGES[3]

BOTH = pytest.mark.parametrize("page", [ARTICLE, TRANSLATED])

pytestmark = pytest.mark.usefixtures("no_keys")


def fragment(page: str, first: str, depths: str) -> str:
    """As many lines as there are depths, from the one that starts with `first`; empty lines do not count."""
    lines = [line.strip() for line in (SHARED / "seeds" / page).read_text().splitlines() if line.strip()]
    start = next(i for i, line in enumerate(lines) if line.startswith(first))
    text = "".join(
        "    " * int(depth) + line + "\n"
        for depth, line in zip(depths, lines[start : start + len(depths)], strict=True)
    )
    for wrong, right in EDITS.items():
        text = text.replace(wrong, right)
    return text


def run(text: str, **names: Any) -> dict[str, Any]:
    """The names that the fragment has at its end. `await` stands at its top: the fragment is the body of a function."""
    body = textwrap.indent("import tollbridge as litellm\n" + text, "    ")
    program: dict[str, Any] = dict(names)
    exec(f"async def program():\n{body}    return locals()\n", program)  # noqa: S102
    found: dict[str, Any] = asyncio.run(program["program"]())
    return found


@pytest.fixture
def providers(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """OpenAI and Anthropic as their environment variables say."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-x")
    monkeypatch.setenv("OPENAI_BASE_URL", replay.openai(OPENAI))
    monkeypatch.setenv("ANTHROPIC_BASE_URL", replay.base(ANTHROPIC))
    return replay


def _messages() -> list[dict[str, Any]]:
    return [{"role": "user", "content": "Hello"}]


@BOTH
@pytest.mark.parametrize("provider", ["openai", "anthropic", "both"])
def test_a_provider_is_switched_by_configuration_alone(page: str, provider: str, providers: Replay) -> None:
    text = fragment(page, "models_to_test = []", "0010101101112221")
    config = SimpleNamespace(LLM_PROVIDER=provider, OPENAI_MODEL="gpt-4o", ANTHROPIC_MODEL="claude-3-opus-20240229")
    found = run(text, Config=config, messages=_messages(), tools=TOOLS)
    assert found["response"].choices[0].message.role == "assistant"
    asked = ["openai"] * (provider != "anthropic") + ["anthropic"] * (provider != "openai")
    assert [capture["id"].split("-")[0] for capture in providers.captures()] == asked


@BOTH
def test_tool_calls_are_executed_and_their_results_sent(page: str, providers: Replay) -> None:
    """The page does not show that the assistant's message goes into the conversation: our glue puts it there."""
    first = "if hasattr(message" if page == ARTICLE else "ifhasattr(message"
    text = fragment(page, first, "01112222332223332112221")
    message = tollbridge.completion("gpt-4o", _messages(), tools=TOOLS).choices[0].message

    class Session:
        async def call_tool(self, name: str, arguments: dict[str, Any]) -> SimpleNamespace:
            return SimpleNamespace(content=f"{name}: {json.dumps(arguments)}")

    said = {"message": message, "messages": [*_messages(), message], "tools": TOOLS, "model": "claude-3-opus-20240229"}
    assert run(text, json=json, session=Session(), **said)["final_response"].choices
    sent = providers.captures()[-1]["body"]["messages"]
    assert [block["type"] for block in sent[-1]["content"]] == ["tool_result"] * len(message.tool_calls)


@BOTH
def test_a_loop_over_models_stops_at_the_first_that_answers(
    page: str, providers: Replay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", providers.openai(OPENAI_401))
    found = run(fragment(page, 'models = ["gpt-4', "001233322122"), messages=_messages(), tools=TOOLS)
    assert found["response"].choices
    assert found["model"].startswith("claude")
    assert "gpt-4" in capsys.readouterr().out
    assert [capture["id"] for capture in providers.captures()] == [OPENAI_401, ANTHROPIC]


@pytest.mark.parametrize(
    ("page", "depths", "model"), [(ARTICLE, "011100001110", "gpt-4"), (TRANSLATED, "0111000011110", "gpt-4.1")]
)
def test_parameters_per_model_are_unpacked_into_the_call(page: str, depths: str, model: str, providers: Replay) -> None:
    text = fragment(page, "provider_configs = {", depths)
    run(text, select_best_model=lambda query: model, query="?", messages=_messages(), tools=TOOLS)
    (sent,) = providers.captures()
    assert {"model": model, "temperature": 0.7, "max_tokens": 2000}.items() <= sent["body"].items()


@BOTH
def test_an_async_stream_is_read_with_hasattr(
    page: str, providers: Replay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = fragment(page, "async for chunk" if page == ARTICLE else "asyncfor chunk", "011110121122")
    monkeypatch.setenv("OPENAI_BASE_URL", providers.openai(OPENAI_STREAM))
    found = run(text, model="gpt-4o", messages=_messages(), tools=TOOLS)
    assert hasattr(found["chunk"].choices[0].delta, "tool_calls")
    run(text, model="demo/any", messages=_messages(), tools=None)
    assert "offline demo model" in capsys.readouterr().out


def test_the_guides_basic_usage_runs(providers: Replay) -> None:
    run(fragment(GUIDE, "from litellm import completion", "00110") + fragment(GUIDE, "# Switch pro", "00110"))
    assert [capture["body"]["model"] for capture in providers.captures()] == ["gpt-4", "claude-3-opus"]


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        *((name, "openai") for name in ("gpt-4", "gpt-4o", "gpt-3.5-turbo", "gpt-4.1", "gpt-4.1-mini")),
        *((name, "anthropic") for name in ("claude-3", "claude-3-opus", "claude-3-opus-20240229", "claude-4-latest")),
        ("claude-sonnet-4-0", "anthropic"),
        ("ollama/llama2", "ollama"),
        ("ollama/mixtral", "ollama"),
    ],
)
def test_every_published_name_finds_its_provider(model: str, provider: str, replay: Replay) -> None:
    id = ANTHROPIC if provider == "anthropic" else OPENAI
    base = replay.base(id) if provider == "anthropic" else replay.openai(id)
    response = tollbridge.completion(model, _messages(), api_key="sk-x", api_base=base)
    assert response._hidden_params["custom_llm_provider"] == provider
    assert replay.captures()[0]["body"]["model"] == model.removeprefix("ollama/")
