"""Keys of `model_list`."""

from __future__ import annotations

from typing import Any

from tests.compat.litellm.comparison.case import ASK
from tests.compat.litellm.comparison.gateway import Gateway, entry, secured, sheet
from tests.compat.litellm.comparison.upstream import Upstream

CLAUDE = "anthropic/claude-sonnet-4-5"
ONCE = {"num_retries": 0}


def config(upstream: Upstream) -> dict[str, Any]:
    def one(name: str, behaviour: str = "ok", **params: Any) -> dict[str, Any]:
        return entry(upstream, name, behaviour, **params)

    models = [
        one("plain", "plain"),
        one("openai/*", "wild", model="openai/*"),
        one("mini", model="openai/gpt-4o-mini"),
        one("keyed", api_key="os.environ/KEY_OF_THE_CASE"),
        one("elsewhere", "elsewhere"),
        one("by-base-url", api_base=None, base_url=upstream.url("by-base-url")),
        one("azure", api_base=upstream.url("azure").removesuffix("/v1"), model="azure/mine", api_version="2024-10-21"),
        one("organized", organization="org-1"),
        one("heavy", "heavy", weight=1),
        one("heavy", "light", weight=0),
        one("ordered", "first", order=1),
        one("ordered", "second", order=2),
        one("slow", "slow", timeout=0.2),
        one("slow-stream", "slow", stream_timeout=0.2),
        one("priced", model="openai/nobody-knows", input_cost_per_token=0.01, output_cost_per_token=0.02),
        one("dropping", model=CLAUDE, drop_params=True, api_base=upstream.url("ok").removesuffix("/v1")),
        one("without-seed", additional_drop_params=["seed"]),
        one("headed", extra_headers={"x-of-the-operator": "1"}),
        one("bodied", extra_body={"a_field_of_the_vendor": 7}),
        one("cool", temperature=0.25, max_tokens=7),
        one("mocked", mock_response="said by the file"),
        one("known", model_info={"id": "id-of-the-file"}),
        one("based", model="openai/my-own-name", model_info={"base_model": "gpt-4o"}),
        one("vectors", model="openai/text-embedding-3-small", model_info={"mode": "embedding"}),
        one("told", model="my-model", custom_llm_provider="openai"),
        one("again", "503-1", num_retries=2),
        one("limited", "limited", rpm=100, tpm=100_000),
        one(
            "marked",
            model=CLAUDE,
            api_base=upstream.url("ok").removesuffix("/v1"),
            cache_control_injection_points=[{"location": "message", "role": "system"}],
        ),
        one("credited", api_key=None, litellm_credential_name="mine"),
        one("tagged", "tagged", tags=["a"]),
    ]
    values = {"api_key": "sk-of-the-credential"}
    credentials = [{"credential_name": "mine", "credential_values": values, "credential_info": {}}]
    router = {**ONCE, "retry_after": 0}
    return secured({"model_list": models, "credential_list": credentials, "router_settings": router})


MODELS = sheet("models", config, environ={"KEY_OF_THE_CASE": "sk-of-the-environment"})


def body_of(gateway: Gateway) -> Any:
    return gateway.upstream.last.body


@MODELS.key("model_list.model_name")
def model_name(gateway: Gateway) -> Any:
    listed = [one["id"] for one in gateway.send("/v1/models").body["data"]]
    answer = gateway.ask("plain")
    return {
        "text": answer.text,
        "model of the answer": answer.body["model"],
        "listed": [name in listed for name in ("plain", "azure", "priced")],
        "an unknown one": gateway.ask("nobody").status,
        "group": answer.headers.get("x-litellm-model-group"),
    }


@MODELS.key("model_list.model_name: wildcards")
def wildcard(gateway: Gateway) -> Any:
    return {"text": gateway.ask("openai/gpt-4.1").text, "sent": body_of(gateway)["model"]}


@MODELS.key("litellm_params.model")
def model(gateway: Gateway) -> Any:
    gateway.ask("mini")
    return {"sent": body_of(gateway)["model"]}


@MODELS.key("litellm_params.api_key")
def api_key(gateway: Gateway) -> Any:
    gateway.ask("keyed")
    return {"sent": gateway.upstream.last.headers["authorization"]}


@MODELS.key("litellm_params.api_base")
def api_base(gateway: Gateway) -> Any:
    return {"text": gateway.ask("elsewhere").text, "target": gateway.upstream.last.target}


@MODELS.key("litellm_params.base_url")
def base_url(gateway: Gateway) -> Any:
    return {"text": gateway.ask("by-base-url").text}


@MODELS.key("litellm_params.api_version")
def api_version(gateway: Gateway) -> Any:
    return {
        "text": gateway.ask("azure").text,
        "target": gateway.upstream.last.target,
        "key": gateway.upstream.last.headers.get("api-key"),
    }


@MODELS.key("litellm_params.organization")
def organization(gateway: Gateway) -> Any:
    gateway.ask("organized")
    return {"sent": gateway.upstream.last.headers.get("openai-organization")}


@MODELS.key("litellm_params.weight")
def weight(gateway: Gateway) -> Any:
    return {"texts": sorted({gateway.ask("heavy").text for _ in range(6)})}


@MODELS.key("litellm_params.order")
def order(gateway: Gateway) -> Any:
    return {"texts": sorted({gateway.ask("ordered").text for _ in range(4)})}


@MODELS.key("litellm_params.timeout")
def timeout(gateway: Gateway) -> Any:
    return {"status": gateway.ask("slow").status}


@MODELS.key("litellm_params.stream_timeout")
def stream_timeout(gateway: Gateway) -> Any:
    return {"stream": gateway.ask("slow-stream", stream=True).status, "whole": gateway.ask("slow-stream").status}


@MODELS.key("litellm_params.input_cost_per_token")
def price(gateway: Gateway) -> Any:
    return {"cost": gateway.ask("priced").cost}


@MODELS.key("litellm_params.drop_params")
def drop_params(gateway: Gateway) -> Any:
    answer = gateway.ask("dropping", logit_bias={"1": 1}, max_tokens=5)
    return {"text": answer.text, "sent": "logit_bias" in body_of(gateway)}


@MODELS.key("litellm_params.additional_drop_params")
def additional_drop_params(gateway: Gateway) -> Any:
    gateway.ask("without-seed", seed=1, top_p=0.5)
    return {"sent": sorted(body_of(gateway))}


@MODELS.key("litellm_params.extra_headers")
def extra_headers(gateway: Gateway) -> Any:
    gateway.ask("headed")
    return {"sent": gateway.upstream.last.headers.get("x-of-the-operator")}


@MODELS.key("litellm_params.extra_body")
def extra_body(gateway: Gateway) -> Any:
    gateway.ask("bodied")
    return {"sent": body_of(gateway).get("a_field_of_the_vendor")}


@MODELS.key("litellm_params.temperature")
def defaults(gateway: Gateway) -> Any:
    gateway.ask("cool")
    unsaid = [body_of(gateway).get("temperature"), body_of(gateway).get("max_tokens")]
    gateway.ask("cool", temperature=1.0)
    return {"unsaid": unsaid, "said": body_of(gateway).get("temperature")}


@MODELS.key("litellm_params.mock_response")
def mock_response(gateway: Gateway) -> Any:
    return {"text": gateway.ask("mocked").text, "asked": len(gateway.upstream.asked)}


@MODELS.key("model_info.id")
def model_id(gateway: Gateway) -> Any:
    return {"header": gateway.ask("known").headers.get("x-litellm-model-id")}


@MODELS.key("model_info.base_model")
def base_model(gateway: Gateway) -> Any:
    return {"cost": gateway.ask("based").cost}


@MODELS.key("model_info.mode")
def mode(gateway: Gateway) -> Any:
    found = gateway.send("/v1/embeddings", {"model": "vectors", "input": ["a"]})
    return {"vector": found.body["data"][0]["embedding"], "cost": found.cost}


@MODELS.key("litellm_params.custom_llm_provider")
def custom_llm_provider(gateway: Gateway) -> Any:
    return {"text": gateway.ask("told").text, "sent": body_of(gateway)["model"]}


@MODELS.key("litellm_params.num_retries")
def num_retries(gateway: Gateway) -> Any:
    return {"status": gateway.ask("again").status, "asked": len(gateway.upstream.asked)}


@MODELS.key("litellm_params.rpm")
def rpm(gateway: Gateway) -> Any:
    return {"text": gateway.ask("limited").text}


@MODELS.key("litellm_params.cache_control_injection_points")
def cache_control(gateway: Gateway) -> Any:
    messages = [{"role": "system", "content": "Be brief."}, *ASK]
    gateway.send("/v1/chat/completions", {"model": "marked", "messages": messages, "max_tokens": 5})
    return {"marked": "cache_control" in str(body_of(gateway).get("system"))}


@MODELS.key("litellm_params.litellm_credential_name")
def credential(gateway: Gateway) -> Any:
    status = gateway.ask("credited").status
    asked = gateway.upstream.asked
    return {"status": status, "sent": asked[-1].headers.get("authorization") if asked else None}


@MODELS.key("litellm_params.tags")
def tags(gateway: Gateway) -> Any:
    return {"text": gateway.ask("tagged", metadata={"tags": ["a"]}).text}
