"""`litellm.drop_params = True` and its like."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

import tollbridge
from tests.files.vendors import OpenAIVendor
from tollbridge.compat.litellm.settings import ABSENT, AS_THERE, MOOT, SETTINGS, Settings

ASK = [{"role": "user", "content": "Hello"}]


def applied(setting: str, value: Any, model: str = "openai/gpt-4o", **said: Any) -> dict[str, Any]:
    settings = Settings()
    settings.set(setting, value)
    return settings.applied(model, said)


@pytest.mark.parametrize(
    ("setting", "value", "parameter", "becomes"),
    [
        ("drop_params", True, "drop_params", True),
        ("modify_params", True, "modify_params", True),
        ("api_key", "sk-x", "api_key", "sk-x"),
        ("api_base", "http://127.0.0.1:1/v1", "api_base", "http://127.0.0.1:1/v1"),
        ("num_retries", 4, "num_retries", 4),
        ("request_timeout", 3, "timeout", 3),
        ("fallbacks", ["demo/two"], "fallbacks", ["demo/two"]),
        ("context_window_fallbacks", [{"a": ["b", "c"]}], "context_window_fallback_dict", {"a": "b"}),
        ("openai_key", "sk-o", "api_key", "sk-o"),
    ],
)
def test_a_setting_is_the_default_of_its_parameter_and_the_call_wins(
    setting: str, value: Any, parameter: str, becomes: Any
) -> None:
    assert applied(setting, value) == {parameter: becomes}
    assert applied(setting, value, **{parameter: "said"}) == {parameter: "said"}
    assert applied(setting, value, **{parameter: None}) == {parameter: becomes}


def test_a_providers_key_goes_to_that_provider_alone() -> None:
    assert applied("anthropic_key", "sk-a", "claude-sonnet-4-0") == {"api_key": "sk-a"}
    assert applied("anthropic_key", "sk-a", "gpt-4o") == {}
    assert applied("vertex_project", "p", "vertex_ai/gemini-2.5-pro") == {"vertex_project": "p"}
    assert applied("vertex_project", "p", "gpt-4o") == {}


def test_the_address_of_a_call_is_not_mixed_with_that_of_the_settings() -> None:
    assert applied("api_base", "http://one/v1", base_url="http://two/v1") == {"base_url": "http://two/v1"}


def test_a_setting_reaches_the_provider(litellm: Any) -> None:
    """Asserted is what was sent."""
    told: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                told.append(connection.recv(1 << 16))
                connection.sendall(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        litellm.api_base = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        litellm.openai_key = "sk-of-the-setting"
        litellm.headers = {"x-of-the-setting": "1"}
        litellm.num_retries = 0
        with pytest.raises(litellm.RateLimitError):
            litellm.completion("openai/gpt-4o", ASK)
        thread.join()
    head, _, body = told[0].partition(b"\r\n\r\n")
    assert b"bearer sk-of-the-setting" in head.lower()
    assert b"x-of-the-setting: 1" in head.lower()
    assert json.loads(body)["messages"] == ASK


def test_aliases_name_models_for_calls_of_every_kind(litellm: Any) -> None:
    litellm.model_alias_map = {"mine": "demo/one"}
    assert litellm.completion("mine", ASK).model == "one"
    assert litellm.completion(model="mine", messages=ASK).model == "one"
    litellm.model_alias_map["other"] = "demo/two"
    assert litellm.completion("other", ASK).model == "two"


def test_the_budget_of_the_process_is_kept(litellm: Any, no_keys: Path) -> None:
    litellm.max_budget = 0.000001
    answered = litellm.completion("gpt-4o", ASK, mock_response="a word or two")
    cost = answered._hidden_params["response_cost"]
    assert litellm._current_cost == cost > litellm.max_budget
    with pytest.raises(litellm.BudgetExceededError, match="max_budget"):
        litellm.completion("gpt-4o", ASK, mock_response="more")
    litellm.max_budget = 0
    for _ in litellm.completion("gpt-4o", ASK, mock_response="a stream of words", stream=True):
        assert litellm._current_cost == cost
    assert litellm._current_cost > cost


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_a_setting_that_is_not_built_can_be_left_off_and_not_put_on(litellm: Any, name: str) -> None:
    assert not getattr(litellm, name)
    setattr(litellm, name, None)
    with pytest.raises(tollbridge.NotBuilt, match=rf"`litellm\.{name}` is not built in Tollbridge. \S+"):
        setattr(litellm, name, ["something"])


@pytest.mark.parametrize("name", sorted(AS_THERE))
def test_a_setting_that_is_said_as_it_is_there_changes_nothing(litellm: Any, name: str) -> None:
    setattr(litellm, name, AS_THERE[name])
    assert getattr(litellm, name) == AS_THERE[name]


def test_a_list_that_is_appended_to_and_not_looked_at_is_said_with_the_next_call(litellm: Any) -> None:
    litellm.service_callback.append(print)
    with pytest.raises(tollbridge.NotBuilt, match="service_callback"):
        litellm.completion("demo/one", ASK)
    litellm.service_callback.clear()
    litellm._async_success_callback.append(print)
    with pytest.raises(tollbridge.NotBuilt, match="success_callback"):
        litellm.completion("demo/one", ASK)


@pytest.mark.parametrize("name", sorted(MOOT))
def test_what_there_is_nothing_to_turn_off_may_be_set(litellm: Any, name: str) -> None:
    setattr(litellm, name, True)
    assert getattr(litellm, name) is True


def test_a_name_that_nobody_knows_is_an_error_with_near_ones(litellm: Any) -> None:
    with pytest.raises(AttributeError, match="Did you mean 'drop_params'"):
        litellm.drop_parms = True
    with pytest.raises(AttributeError, match="Did you mean 'completion'"):
        _ = litellm.completon
    assert not hasattr(litellm, "nothing")


def test_a_function_may_be_replaced_as_tests_do(litellm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(litellm, "completion", lambda *_, **__: "replaced")
        assert litellm.completion("demo/one", ASK) == "replaced"
    assert litellm.completion("demo/one", ASK).model == "one"


def test_lists_of_models_are_those_of_the_catalog(litellm: Any) -> None:
    assert "gpt-4o" in litellm.open_ai_chat_completion_models
    assert any("claude" in name for name in litellm.anthropic_models)
    assert "openai" in litellm.provider_list
    assert set(litellm.models_by_provider["openai"]) <= set(litellm.model_list)
    with pytest.raises(tollbridge.BadRequestError, match="register_model"):
        litellm.model_list = []


def test_an_entry_of_model_cost_registers_a_price(litellm: Any) -> None:
    litellm.model_cost["openai/mine-of-this-test"] = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    assert litellm.model_cost["openai/mine-of-this-test"]["input_cost_per_token"] == 1e-6
    assert litellm.cost_per_token("openai/mine-of-this-test", 1000, 0)[0] == pytest.approx(0.001)
    assert "nobody-has-it" not in litellm.model_cost


def test_verbose_is_pythons_logging(litellm: Any) -> None:
    logger = logging.getLogger("tollbridge")
    level, handlers = logger.level, list(logger.handlers)
    try:
        litellm.set_verbose = True
        litellm._turn_on_debug()
        assert logger.level == logging.DEBUG
        assert len(logger.handlers) == max(1, len(handlers))
        assert litellm.verbose_logger is logger
    finally:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def test_the_sdks_own_functions_do_not_know_of_it(litellm: Any) -> None:
    litellm.model_alias_map = {"demo/one": "demo/two"}
    assert tollbridge.completion("demo/one", ASK).model == "one"
    assert {"drop_params", "callbacks", "max_budget"} <= SETTINGS


def test_a_file_is_sent_with_the_settings_key_and_callbacks_are_told_of_it(litellm: Any) -> None:
    """A fallback for models means nothing to it."""
    told: list[dict[str, Any]] = []

    def success(kwargs: dict[str, Any], response: Any, start: Any, end: Any) -> None:
        assert "file" not in kwargs["optional_params"]
        told.append({"call": kwargs["call_type"], "by": kwargs["custom_llm_provider"], "id": response.id})

    async def upload_and_look() -> None:
        async with OpenAIVendor() as vendor:
            litellm.api_base = vendor.url + "/v1"
            file = await litellm.acreate_file(file=("r.jsonl", b"{}"), purpose="batch", custom_llm_provider="openai")
            assert await litellm.afile_retrieve(file.id) == file
            assert {one.headers["authorization"] for one in vendor.asked} == {"Bearer k"}

    litellm.openai_key = "k"
    litellm.fallbacks = ["openai/gpt-4o"]
    litellm.success_callback = [success]
    asyncio.run(upload_and_look())
    assert [one["call"] for one in told] == ["acreate_file", "afile_retrieve"]
    assert {one["by"] for one in told} == {"openai"}
    with pytest.raises(litellm.BadRequestError, match="keeps no files"):
        litellm.list_batches(custom_llm_provider="anthropic")
