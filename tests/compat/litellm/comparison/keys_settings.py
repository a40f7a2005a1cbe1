"""Keys of `litellm_settings`, `router_settings`, `general_settings`, and those beside them."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.compat.litellm.comparison.gateway import KEY, Gateway, entry, secured, sheet
from tests.compat.litellm.comparison.upstream import Upstream

CLAUDE = "anthropic/claude-sonnet-4-5"
LONG = "word " * 60
HOOK = """
from pathlib import Path

from litellm.integrations.custom_logger import CustomLogger


class Writes(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        Path(__file__).with_name("told.txt").write_text(kwargs["model"])


writes = Writes()
"""


def settings(upstream: Upstream) -> dict[str, Any]:
    def one(name: str, behaviour: str, **params: Any) -> dict[str, Any]:
        return entry(upstream, name, behaviour, **params)

    claude = upstream.url("ok").removesuffix("/v1")
    return secured(
        {
            "model_list": [
                one("good", "good"),
                one("bad", "500"),
                one("small", "window"),
                one("strict", "policy"),
                one("again", "503-1"),
                one("claude", "ok", model=CLAUDE, api_base=claude),
                one("groq", "ok", model="groq/llama-3.3-70b-versatile"),
                one("unpriced", "ok", model="openai/nobody-knows-this-one"),
            ],
            "litellm_settings": {
                "drop_params": True,
                "num_retries": 1,
                "fallbacks": [{"bad": ["good"]}],
                "context_window_fallbacks": [{"small": ["good"]}],
                "content_policy_fallbacks": [{"strict": ["good"]}],
                "cost_discount_config": {"groq": 0.5},
                "include_cost_in_streaming_usage": True,
                "callbacks": "hook_of_the_case.writes",
                "turn_off_message_logging": True,
                "json_logs": True,
                "return_response_headers": True,
            },
            "router_settings": {"retry_after": 0},
        }
    )


SETTINGS = sheet("settings", settings, files={"hook_of_the_case.py": HOOK})


@SETTINGS.key("litellm_settings.drop_params")
def drop_params(gateway: Gateway) -> Any:
    return {"text": gateway.ask("claude", logit_bias={"1": 1}, max_tokens=5).text}


@SETTINGS.key("litellm_settings.num_retries")
def num_retries(gateway: Gateway) -> Any:
    return {"status": gateway.ask("again").status, "asked": len(gateway.upstream.asked)}


@SETTINGS.key("litellm_settings.fallbacks")
def fallbacks(gateway: Gateway) -> Any:
    answer = gateway.ask("bad")
    return {"text": answer.text, "attempts": answer.headers.get("x-litellm-attempted-fallbacks")}


@SETTINGS.key("litellm_settings.context_window_fallbacks")
def context_window_fallbacks(gateway: Gateway) -> Any:
    return {"text": gateway.ask("small").text}


@SETTINGS.key("litellm_settings.content_policy_fallbacks")
def content_policy_fallbacks(gateway: Gateway) -> Any:
    return {"text": gateway.ask("strict").text}


@SETTINGS.key("litellm_settings.cost_discount_config")
def discount(gateway: Gateway) -> Any:
    return {"cost": gateway.ask("groq").cost}


@SETTINGS.key("litellm_settings.include_cost_in_streaming_usage")
def stream_cost(gateway: Gateway) -> Any:
    chunks = gateway.chunks("good", stream_options={"include_usage": True})
    return {"cost": [chunk["usage"].get("cost") for chunk in chunks if chunk.get("usage")]}


@SETTINGS.key("litellm_settings.callbacks")
def callbacks(gateway: Gateway) -> Any:
    gateway.ask("good")
    told = gateway.directory / "told.txt"
    ends = time.monotonic() + gateway.patience_s
    while not (told.exists() and told.read_text()) and time.monotonic() < ends:
        time.sleep(0.02)
    return {"told": told.read_text() if told.exists() else None}


@SETTINGS.key("litellm_settings.turn_off_message_logging")
def message_logging(gateway: Gateway) -> Any:
    return {"text": gateway.ask("good").text}


@SETTINGS.key("litellm_settings.json_logs")
def json_logs(gateway: Gateway) -> Any:
    return {"status": gateway.ask("good").status}


@SETTINGS.key("litellm_settings.return_response_headers")
def response_headers(gateway: Gateway) -> Any:
    headers = gateway.ask("good").headers
    remaining = "x-ratelimit-remaining-requests"
    names = (f"llm_provider-{remaining}", remaining, "llm_provider-x-request-id")
    return {name: headers.get(name) for name in names}


@SETTINGS.key("headers of an answer")
def own_headers(gateway: Gateway) -> Any:
    """Not a key: what clients read."""
    headers = gateway.ask("good").headers
    return {
        name: name in headers
        for name in (
            *("x-litellm-call-id", "x-litellm-model-id", "x-litellm-model-api-base", "x-litellm-model-group"),
            *("x-litellm-version", "x-litellm-response-cost", "x-litellm-response-cost-original"),
            *("x-litellm-key-spend", "x-litellm-response-duration-ms", "x-litellm-overhead-duration-ms"),
            *("x-litellm-attempted-retries", "x-litellm-attempted-fallbacks"),
        )
    }


def defaults(upstream: Upstream) -> dict[str, Any]:
    return secured(
        {
            "model_list": [
                entry(upstream, "good", "good"),
                entry(upstream, "bad", "500"),
                entry(upstream, "slow", "slow"),
                entry(upstream, "unpriced", "ok", model="openai/nobody-knows-this-one"),
            ],
            "litellm_settings": {
                "default_fallbacks": ["good"],
                "request_timeout": 0.2,
                "cost_margin_config": {"openai": 0.1},
                "block_requests_for_models_without_pricing": True,
                "cache": True,
                "cache_params": {"type": "local"},
            },
            "router_settings": {"num_retries": 0},
        }
    )


DEFAULTS = sheet("defaults", defaults)


@DEFAULTS.key("litellm_settings.default_fallbacks")
def default_fallbacks(gateway: Gateway) -> Any:
    return {"text": gateway.ask("bad", temperature=0.1).text}


@DEFAULTS.key("litellm_settings.request_timeout")
def request_timeout(gateway: Gateway) -> Any:
    text = gateway.ask("slow", temperature=0.2).text
    return {"text": text, "asked": [one.behaviour for one in gateway.upstream.asked]}


@DEFAULTS.key("litellm_settings.cost_margin_config")
def margin(gateway: Gateway) -> Any:
    return {"cost": gateway.ask("good", temperature=0.3).cost}


@DEFAULTS.key("litellm_settings.block_requests_for_models_without_pricing")
def unpriced(gateway: Gateway) -> Any:
    return {"refused": gateway.ask("unpriced", temperature=0.4).status >= 400, "asked": len(gateway.upstream.asked)}


@DEFAULTS.key("litellm_settings.cache")
def cache(gateway: Gateway) -> Any:
    texts = [gateway.ask("good", temperature=0.5).text for _ in range(2)]
    return {"texts": texts, "asked": len(gateway.upstream.asked)}


def router(upstream: Upstream) -> dict[str, Any]:
    def one(name: str, behaviour: str, **params: Any) -> dict[str, Any]:
        return entry(upstream, name, behaviour, **params)

    return secured(
        {
            "model_list": [
                one("good", "good"),
                one("bad", "500"),
                one("again", "503-1"),
                one("limited", "429"),
                one("slow", "slower"),
                one("group", "401", weight=1000),
                one("group", "works", weight=1),
                one("fits", "small", model_info={"max_input_tokens": 10}),
                one("fits", "large", model_info={"max_input_tokens": 100_000}),
                one("tagged", "of-a", tags=["a"]),
                one("tagged", "of-b", tags=["b"]),
            ],
            "router_settings": {
                "num_retries": 2,
                "retry_after": 0,
                "timeout": 2.0,
                "allowed_fails": 0,
                "cooldown_time": 60,
                "model_group_alias": {"other-name": "good", "hidden-name": {"model": "good", "hidden": True}},
                "retry_policy": {"RateLimitErrorRetries": 0, "InternalServerErrorRetries": 1},
                "fallbacks": [{"bad": ["good"]}],
                "enable_pre_call_checks": True,
                "enable_tag_filtering": True,
                "routing_strategy": "simple-shuffle",
            },
        }
    )


ROUTER = sheet("router", router)


@ROUTER.key("router_settings.num_retries")
def router_retries(gateway: Gateway) -> Any:
    return {"text": gateway.ask("again").text, "asked": len(gateway.upstream.asked)}


@ROUTER.key("router_settings.retry_policy")
def retry_policy(gateway: Gateway) -> Any:
    return {"status": gateway.ask("limited").status, "asked": len(gateway.upstream.asked)}


@ROUTER.key("router_settings.timeout")
def router_timeout(gateway: Gateway) -> Any:
    return {"failed": gateway.ask("slow").status >= 400}


@ROUTER.key("router_settings.allowed_fails")
def cooldown(gateway: Gateway) -> Any:
    texts = [gateway.ask("group").text for _ in range(4)]
    return {"texts": texts[1:], "the failing one was left alone": gateway.upstream.counted["401"] <= 2}


@ROUTER.key("router_settings.model_group_alias")
def alias(gateway: Gateway) -> Any:
    listed = [one["id"] for one in gateway.send("/v1/models").body["data"]]
    return {
        "text": gateway.ask("other-name").text,
        "hidden": gateway.ask("hidden-name").text,
        "listed": ["other-name" in listed, "hidden-name" in listed],
    }


@ROUTER.key("router_settings.fallbacks")
def router_fallbacks(gateway: Gateway) -> Any:
    return {"text": gateway.ask("bad").text}


@ROUTER.key("router_settings.enable_pre_call_checks")
def pre_call_checks(gateway: Gateway) -> Any:
    said = [{"role": "user", "content": LONG}]
    texts = {gateway.send("/v1/chat/completions", {"model": "fits", "messages": said}).text for _ in range(4)}
    return {"texts": sorted(map(str, texts))}


@ROUTER.key("router_settings.enable_tag_filtering")
def tag_filtering(gateway: Gateway) -> Any:
    texts = {gateway.ask("tagged", metadata={"tags": ["a"]}).text for _ in range(5)}
    return {"texts": sorted(map(str, texts))}


@ROUTER.key("router_settings.routing_strategy")
def strategy(gateway: Gateway) -> Any:
    return {"text": gateway.ask("good").text}


def general(upstream: Upstream) -> dict[str, Any]:
    return {
        "model_list": [
            entry(upstream, "good", "good"),
            entry(upstream, "named", "ok", api_key="os.environ/NAME_OF_THE_FILE"),
        ],
        "include": ["more.yaml"],
        "environment_variables": {"NAME_OF_THE_FILE": "sk-of-the-file"},
        "general_settings": {
            "master_key": "os.environ/MASTER_OF_THE_CASE",
            "always_include_stream_usage": True,
            "forward_client_headers_to_llm_api": True,
            "user_header_name": "x-user-of-the-client",
            "litellm_key_header_name": "x-my-key",
            "max_parallel_requests": 50,
            "infer_model_from_keys": False,
            "pass_through_endpoints": [
                {
                    "path": "/through",
                    "target": f"{upstream.url('passed')}/chat/completions",
                    "headers": {"authorization": "Bearer sk-of-the-target", "content-type": "application/json"},
                }
            ],
        },
    }


MORE = """
model_list:
  - model_name: included
    litellm_params: {model: openai/gpt-4o, mock_response: of the other file}
"""
GENERAL = sheet("general", general, files={"more.yaml": MORE}, environ={"MASTER_OF_THE_CASE": KEY})
MINE = {"x-my-key": f"Bearer {KEY}"}


def ask(gateway: Gateway, model: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
    said = {"model": model, "messages": [{"role": "user", "content": "Hello"}], **body}
    return gateway.send("/v1/chat/completions", said, {**MINE, **(headers or {})}, key=None)


@GENERAL.key("general_settings.master_key")
def master_key(gateway: Gateway) -> Any:
    wrong = gateway.send("/v1/models", headers={"x-my-key": "Bearer sk-wrong-0123456789"}, key=None)
    return {
        "right": ask(gateway, "good").status,
        "none": gateway.send("/v1/models", key=None).status,
        "wrong": wrong.status if wrong.status != 400 else 401,
    }


@GENERAL.key("general_settings.litellm_key_header_name")
def key_header_name(gateway: Gateway) -> Any:
    return {"status": ask(gateway, "good").status}


@GENERAL.key("general_settings.always_include_stream_usage")
def stream_usage(gateway: Gateway) -> Any:
    text = ask(gateway, "good", stream=True).body
    blocks = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    return {"usage": [one["usage"]["total_tokens"] for one in map(json.loads, blocks) if one.get("usage")]}


@GENERAL.key("general_settings.forward_client_headers_to_llm_api")
def client_headers(gateway: Gateway) -> Any:
    ask(gateway, "good", {"x-of-the-client": "1", "cookie": "secret=1"})
    sent = gateway.upstream.last.headers
    return {"x-": sent.get("x-of-the-client"), "cookie": "cookie" in sent}


@GENERAL.key("general_settings.user_header_name")
def user_header_name(gateway: Gateway) -> Any:
    ask(gateway, "good", {"x-user-of-the-client": "u-1"})
    return {"user": gateway.upstream.last.body.get("user")}


@GENERAL.key("general_settings.max_parallel_requests")
def max_parallel_requests(gateway: Gateway) -> Any:
    return {"text": ask(gateway, "good").text}


@GENERAL.key("general_settings.pass_through_endpoints")
def pass_through(gateway: Gateway) -> Any:
    said = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
    with_key = gateway.send("/through", said, MINE, key=None)
    sent = gateway.upstream.last.headers.get("authorization")
    return {
        "text": with_key.text,
        "key": sent,
        "without a key": gateway.send("/through", said, key=None).status,
    }


@GENERAL.key("environment_variables")
def environment(gateway: Gateway) -> Any:
    status = ask(gateway, "named").status
    asked = gateway.upstream.asked
    return {"status": status, "sent": asked[-1].headers["authorization"] if asked else None}


@GENERAL.key("include")
def included(gateway: Gateway) -> Any:
    return {"text": ask(gateway, "included").text}
