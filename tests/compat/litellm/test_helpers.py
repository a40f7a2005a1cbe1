"""LiteLLM's small functions."""

from __future__ import annotations

import json
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

import tollbridge
from tollbridge.compat.litellm import budgets
from tollbridge.compat.litellm.calls import retries_of
from tollbridge.compat.litellm.helpers import trim_messages
from tollbridge.compat.litellm.supported import get_supported_openai_params
from tollbridge.providers.table import ROWS

ASK = [{"role": "user", "content": "Hello"}]


def test_whose_a_model_is(litellm: Any) -> None:
    assert litellm.get_llm_provider("anthropic/claude-sonnet-4-0") == ("claude-sonnet-4-0", "anthropic", None, None)
    assert litellm.get_llm_provider("gpt-4o")[:2] == ("gpt-4o", "openai")
    assert litellm.get_llm_provider("m", custom_llm_provider="groq", api_key="k") == ("m", "groq", "k", None)
    for caught in (litellm.NotFoundError, litellm.BadRequestError):
        with pytest.raises(caught, match="nobody-has-it") as raised:
            litellm.get_llm_provider("nobody-has-it")
        assert raised.value.status_code == 404


def test_a_key_is_not_valid_where_nobody_answers(litellm: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert litellm.check_valid_key("nobody-has-it", "sk-none") is False
    assert "is not known: No provider is known" in caplog.text


def test_no_retry_is_said_by_0_and_three_by_nothing() -> None:
    assert [retries_of(said) for said in ({"num_retries": 0}, {"num_retries": 1}, {"num_retries": None}, {})] == [
        0,
        1,
        3,
        3,
    ]


def test_which_keys_are_there(litellm: Any, no_keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = {"keys_in_environment": False, "missing_keys": ["OPENAI_API_KEY"]}
    assert litellm.validate_environment("gpt-4o") == absent
    assert litellm.validate_environment("gpt-4o", api_key="sk")["keys_in_environment"]
    assert litellm.validate_environment("ollama/llama2") == {"keys_in_environment": True, "missing_keys": []}
    assert not litellm.get_valid_models(custom_llm_provider="demo")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    assert litellm.validate_environment("gpt-4o") == {"keys_in_environment": True, "missing_keys": []}
    assert "gpt-4o" in litellm.get_valid_models()


def test_messages_are_trimmed_to_what_fits_the_latest_first() -> None:
    system = {"role": "system", "content": "Be short."}
    turns = [{"role": "user", "content": f"turn {number}: " + "word " * 50} for number in range(10)]
    whole = [system, *turns]
    assert trim_messages(whole, "gpt-4o") == whole
    for limit in (100, 200, 400):
        kept = trim_messages(whole, "gpt-4o", max_tokens=limit)
        assert kept[0] == system
        assert kept[1:] == turns[-len(kept) + 1 :]
        assert tollbridge.token_counter("gpt-4o", messages=kept) <= limit
    assert len(trim_messages(whole, "gpt-4o", max_tokens=400)) > len(trim_messages(whole, "gpt-4o", max_tokens=200))
    kept, left = trim_messages(whole, "gpt-4o", max_tokens=200, return_response_tokens=True)
    assert left == 200 - tollbridge.token_counter("gpt-4o", messages=kept)


def test_of_a_model_that_nobody_knows_all_messages_stay_unless_a_limit_is_given(litellm: Any) -> None:
    long = [{"role": "user", "content": "word " * 500}]
    assert litellm.utils.trim_messages(long, model="nobody-has-it") == long
    (cut,) = litellm.utils.trim_messages(long, model="nobody-has-it", max_tokens=50)
    assert tollbridge.token_counter("nobody-has-it", messages=[cut]) <= 50


def test_which_model_has_a_longer_window(litellm: Any) -> None:
    longer = litellm.longer_context_model_fallback_dict
    assert isinstance(longer, dict)
    assert longer["gpt-3.5-turbo"] == "gpt-3.5-turbo-16k"
    for pair in longer.items():
        short, long = (tollbridge.get_model_info(name)["max_input_tokens"] for name in pair)
        assert None in (short, long) or long >= short


def test_a_message_that_does_not_fit_alone_is_cut_in_its_middle_and_results_stay_with_their_call() -> None:
    long = {"role": "user", "content": "begin " + "word " * 500 + "end"}
    (cut,) = trim_messages([long], "gpt-4o", max_tokens=50)
    assert cut["content"].startswith("begin ")
    assert cut["content"].endswith("end")
    assert tollbridge.token_counter("gpt-4o", messages=[cut]) <= 50
    call = {
        "role": "assistant",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    result = {"role": "tool", "tool_call_id": "1", "content": "word " * 30}
    said = [{"role": "user", "content": "word " * 30}, call, result, {"role": "user", "content": "and?"}]
    for limit in range(10, 120, 5):
        kept = trim_messages(said, "gpt-4o", max_tokens=limit)
        assert (call in kept) == (result in kept)


def test_a_function_becomes_a_tool(litellm: Any) -> None:
    def get_weather(city: str, unit: str = "celsius", days: int = 1) -> str:
        """Get the weather
        of a city.

        Parameters
        ----------
        city : str
            Where, with the
            country.
        unit : {'celsius', 'fahrenheit'}
            Which degrees.
        """
        return f"{city} {unit} {days}"

    assert litellm.utils.function_to_dict(get_weather) == {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Where, with the country."},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "description": "Which degrees."},
                "days": {"type": "integer"},
            },
            "required": ["city"],
        },
    }


def test_what_a_provider_takes_is_what_its_row_does_not_leave_out(litellm: Any) -> None:
    taken = litellm.get_supported_openai_params("gpt-4o")
    assert {"temperature", "tools", "response_format", "stream_options"} <= set(taken)
    assert not {"api_key", "timeout", "input_cost_per_token", "mock_response"} & set(taken)
    assert litellm.get_response_string(litellm.completion("demo/x", ASK, n=2)).count("You said: Hello") == 2


@pytest.mark.parametrize("provider", list(ROWS))
def test_what_is_taken_is_told_of_each_provider_and_none_of_nobody(provider: str) -> None:
    for model in ("some/model", "some/anthropic.claude-3", "some/*"):
        assert isinstance(get_supported_openai_params(model, custom_llm_provider=provider), list)


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        ("anthropic/claude-sonnet-4-5", True),
        ("vertex_ai/claude-sonnet-4-5", True),
        ("bedrock/anthropic.claude-3-7-sonnet-20250219-v1:0", True),
        ("gemini/gemini-2.5-pro", True),
        ("deepseek/deepseek-chat", True),
        ("anthropic/claude-3-haiku-20240307", False),
        ("gpt-5", False),
        ("gpt-4o", False),
        ("groq/llama-3.3-70b-versatile", False),
    ],
)
def test_thinking_is_told_where_it_means_something(litellm: Any, model: str, taken: bool) -> None:
    assert ("thinking" in litellm.get_supported_openai_params(model)) == taken


@pytest.mark.parametrize("kind", ["embeddings", "transcription"])
def test_fields_of_a_chat_are_not_told_of_another_task(litellm: Any, kind: str) -> None:
    with pytest.raises(tollbridge.NotBuilt, match=kind):
        litellm.get_supported_openai_params("gpt-4o", request_type=kind)


def test_of_a_model_that_nobody_has_none_is_told(litellm: Any) -> None:
    bedrock = litellm.get_supported_openai_params("anthropic.claude-3", "bedrock")
    assert {"temperature", "tools", "max_tokens"} <= set(bedrock)
    assert bedrock == litellm.get_supported_openai_params("bedrock/anthropic.claude-3")
    with pytest.raises(litellm.BadRequestError, match="owner/name"):
        litellm.get_supported_openai_params("no-owner", "replicate")
    for model, provider in (("nope", None), ("nope/x", None), ("m", "nope"), ("", None), ("openai/", None)):
        assert litellm.get_supported_openai_params(model, custom_llm_provider=provider) is None


def test_a_budget_that_is_exceeded_is_made_as_there(litellm: Any) -> None:
    for error in (
        litellm.BudgetExceededError(current_cost=1.5, max_budget=1.0),
        litellm.exceptions.BudgetExceededError(1.5, 1.0),
    ):
        assert (error.current_cost, error.max_budget) == (1.5, 1.0)
        assert str(error) == error.message == "Budget has been exceeded! Current cost: 1.5, Max budget: 1.0"
        assert isinstance(error, tollbridge.RateLimitError)
        again = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert (str(again), vars(again)) == (str(error), vars(error))
    assert litellm.BudgetExceededError(1.5, 1.0, "my words", llm_provider="x").message == "my words"


def test_which_errors_may_pass(litellm: Any) -> None:
    assert [status for status in (400, 401, 408, 409, 422, 429, 500, 503, 529) if litellm._should_retry(status)] == [
        408,
        409,
        429,
        500,
        503,
        529,
    ]
    with pytest.raises(litellm.RateLimitError) as raised:
        litellm.completion("demo/error-429", ASK, num_retries=0)
    assert raised.value.response.status_code == 429
    assert raised.value.response.headers["Content-Type"] == "application/json"
    assert "error" in raised.value.response.json()


def test_many_at_once(litellm: Any) -> None:
    told = litellm.batch_completion(
        "demo/one", [[{"role": "user", "content": str(n)}] for n in range(5)], max_workers=2
    )
    assert [one.choices[0].message.content[-1] for one in told] == list("01234")
    mixed = litellm.batch_completion("demo/error-429", [ASK, ASK], num_retries=0)
    assert all(isinstance(one, litellm.RateLimitError) for one in mixed)
    first = litellm.batch_completion_models(models=["demo/error-500", "demo/one"], messages=ASK, num_retries=0)
    assert first.model == "one"
    models = ["demo/two", "demo/error-500", "demo/one"]
    every = litellm.batch_completion_models_all_responses(models=models, messages=ASK, num_retries=0)
    assert [one.model for one in every] == ["two", "one"]
    with pytest.raises(litellm.InternalServerError, match="error-500"):
        litellm.batch_completion_models(models=["demo/error-500", "demo/error-501"], messages=ASK, num_retries=0)


@pytest.fixture
def manager(litellm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    return litellm.BudgetManager(project_name="test")


def test_a_budget_manager_adds_up_what_users_spent_and_finds_it_again(
    litellm: Any, manager: Any, no_keys: Path
) -> None:
    manager.create_budget(total_budget=1.0, user="ada", duration="daily")
    assert manager.is_valid_user("ada")
    assert manager.projected_cost("gpt-4o", ASK, "ada") > 0
    answered = litellm.completion("gpt-4o", ASK, mock_response="Hi!")
    manager.update_cost("ada", completion_obj=answered)
    manager.update_cost("ada", model="gpt-4o", input_text="Hello", output_text="Hi!")
    by_hand = litellm.completion_cost(answered) + litellm.completion_cost(
        model="gpt-4o", prompt="Hello", completion="Hi!"
    )
    assert manager.get_current_cost("ada") == pytest.approx(by_hand)
    assert sum(manager.get_model_cost("ada").values()) == pytest.approx(by_hand)
    again = litellm.BudgetManager(project_name="test")
    assert again.get_current_cost("ada") == manager.get_current_cost("ada")
    assert json.loads(Path("user_cost.json").read_text()) == manager.user_dict
    assert again.reset_cost("ada")["user"]["current_cost"] == 0
    assert again.get_users() == ["ada"]
    assert again.get_total_budget("ada") == 1.0


def test_a_budget_begins_anew_when_its_time_is_over_and_not_before(manager: Any) -> None:
    for user, began in (("old", 1.0), ("new", None)):
        manager.create_budget(1.0, user, "weekly", created_at=began)
        manager.user_dict[user]["current_cost"] = 0.5
    manager.create_budget(1.0, "for ever")
    manager.update_budget_all_users()
    assert (manager.get_current_cost("old"), manager.get_current_cost("new")) == (0, 0.5)
    with pytest.raises(ValueError, match="daily, weekly, monthly, yearly"):
        manager.create_budget(1.0, "x", "hourly")


def test_threads_lose_no_cost_and_the_hosted_kind_is_not_built(litellm: Any, manager: Any) -> None:
    manager.create_budget(1.0, "ada")
    cost = litellm.completion_cost(model="gpt-4o", prompt="Hello", completion="Hi!")

    def spend() -> None:
        for _ in range(20):
            manager.update_cost("ada", model="gpt-4o", input_text="Hello", output_text="Hi!")

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert manager.get_current_cost("ada") == pytest.approx(80 * cost)
    assert json.loads(budgets.FILE.read_text())["ada"]["current_cost"] == manager.get_current_cost("ada")
    with pytest.raises(tollbridge.NotBuilt, match="hosted"):
        litellm.BudgetManager("test", client_type="hosted")
