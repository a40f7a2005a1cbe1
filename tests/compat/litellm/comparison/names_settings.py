"""Settings of the module, callbacks, and what a program derives from."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.compat.litellm.comparison.case import ASK, Site, case, dump, raised, settings, until, until_async

MODEL = "openai/gpt-4o"
CLAUDE = "anthropic/claude-sonnet-4-5"


@case("drop_params")
def drop_params(litellm: Any, site: Site) -> Any:
    said = {"model": CLAUDE, "messages": ASK, "api_base": site.upstream.url(), "api_key": "k", "logit_bias": {"1": 1.0}}
    with settings(litellm, drop_params=True):
        answer = litellm.completion(**said)
    body = site.upstream.last.body
    return {
        "on": [answer.choices[0].message.content, "logit_bias" in body],
        "off": raised(lambda: litellm.completion(**said)),
        "one by its name": raised(lambda: litellm.completion(**said, additional_drop_params=["logit_bias"])),
    }


@case("modify_params")
def modify_params(litellm: Any, site: Site) -> Any:
    """A conversation that Anthropic would refuse: it begins with what the assistant said."""
    said = {"model": CLAUDE, "messages": [{"role": "assistant", "content": "Hi"}, *ASK]}
    with settings(litellm, modify_params=True):
        litellm.completion(**said, api_base=site.upstream.url(), api_key="k")
    return {"first": site.upstream.last.body["messages"][0]["role"]}


@case("api_base")
def api_base(litellm: Any, site: Site) -> Any:
    with settings(litellm, api_base=site.upstream.url("two"), api_key="sk-of-the-setting"):
        answer = litellm.completion(MODEL, ASK)
        own = litellm.completion(MODEL, ASK, **site.at("one"))
    return {
        "text": answer.choices[0].message.content,
        "key": site.upstream.asked[0].headers["authorization"],
        "the call wins": own.choices[0].message.content,
    }


@case("openai_key")
def openai_key(litellm: Any, site: Site) -> Any:
    with settings(litellm, openai_key="sk-openai"):
        litellm.completion(MODEL, ASK, api_base=site.upstream.url())
    return {"key": site.upstream.last.headers["authorization"]}


@case("num_retries")
def num_retries(litellm: Any, site: Site) -> Any:
    with settings(litellm, num_retries=2):
        answer = litellm.completion(MODEL, ASK, **site.at("500-1"))
    return {"text": answer.choices[0].message.content, "asked": len(site.upstream.asked)}


@case("completion(num_retries=)")
def retries_of_a_call(litellm: Any, site: Site) -> Any:
    answer = litellm.completion(MODEL, ASK, num_retries=2, **site.at("503-2"))
    asked = len(site.upstream.asked)
    refused = raised(lambda: litellm.completion(MODEL, ASK, num_retries=2, **site.at("400")))
    return {
        "text": answer.choices[0].message.content,
        "asked": asked,
        "a 400 is asked once": [refused, len(site.upstream.asked) - asked],
    }


@case("completion(fallbacks=)")
def fallbacks(litellm: Any, site: Site) -> Any:
    other = {"model": "openai/gpt-4o-mini", "api_base": site.upstream.url("two"), "api_key": "k"}
    answer = litellm.completion(MODEL, ASK, fallbacks=[other], **site.at("500"))
    return {"text": answer.choices[0].message.content, "model": answer.model}


@case("request_timeout")
def request_timeout(litellm: Any, site: Site) -> Any:
    with settings(litellm, request_timeout=0.2):
        return {"slow": raised(lambda: litellm.completion(MODEL, ASK, **site.at("slow")))}


@case("model_alias_map")
def model_alias_map(litellm: Any, site: Site) -> Any:
    with settings(litellm, model_alias_map={"mine": MODEL}):
        answer = litellm.completion("mine", ASK, **site.at())
    return {"text": answer.choices[0].message.content, "sent": site.upstream.last.body["model"]}


@case("headers")
def headers(litellm: Any, site: Site) -> Any:
    with settings(litellm, headers={"x-of-all": "1"}):
        litellm.completion(MODEL, ASK, **site.at())
    return {"sent": site.upstream.last.headers.get("x-of-all")}


@case("success_callback")
def success_callback(litellm: Any, site: Site) -> Any:
    told: list[dict[str, Any]] = []

    def keep(kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        if "mine" in kwargs["litellm_params"]["metadata"]:  # LiteLLM tells late of calls before it
            told.append({"kwargs": kwargs, "answer": response_obj, "ordered": start_time <= end_time})

    with settings(litellm, success_callback=[keep]):
        litellm.completion(MODEL, ASK, user="u-1", metadata={"mine": 1}, **site.at())
        until(lambda: bool(told))
        list(litellm.completion(MODEL, ASK, stream=True, metadata={"mine": 1}, **site.at()))
        until(lambda: "complete_streaming_response" in told[-1]["kwargs"])
    whole, stream = told[0], told[-1]
    kwargs = whole["kwargs"]
    return {
        "model": kwargs["model"],
        "messages": kwargs["messages"],
        "cost": kwargs["response_cost"],
        "metadata": kwargs["litellm_params"]["metadata"]["mine"],
        "user": kwargs["user"],
        "call_type": kwargs["call_type"],
        "stream": [bool(kwargs["stream"]), stream["kwargs"]["stream"]],
        "key is not shown": "sk-case"
        not in repr({name: kwargs[name] for name in ("optional_params", "additional_args")}),
        "text": whole["answer"].choices[0].message.content,
        "text of a stream": stream["answer"].choices[0].message.content,
        "complete_streaming_response": stream["kwargs"]["complete_streaming_response"].choices[0].message.content,
        "times": whole["ordered"],
        "payload": sorted(
            {"id", "status", "response_cost", "total_tokens", "model", "messages"}
            & (kwargs.get("standard_logging_object") or {}).keys()
        ),
    }


@case("failure_callback")
def failure_callback(litellm: Any, site: Site) -> Any:
    told: list[Any] = []
    with settings(litellm, failure_callback=[lambda kwargs, response_obj, *times: told.append((kwargs, response_obj))]):
        raised(lambda: litellm.completion(MODEL, ASK, **site.at("401")))
        until(lambda: bool(told))
    kwargs, answer = told[0]
    return {
        "exception": type(kwargs["exception"]).__name__,
        "answer": answer,
        "traceback": isinstance(kwargs["traceback_exception"], str),
        "times told": len(told),
    }


@case("input_callback")
def input_callback(litellm: Any, site: Site) -> Any:
    told: list[Any] = []
    with settings(litellm, input_callback=[told.append]):
        litellm.completion(MODEL, ASK, **site.at())
        until(lambda: bool(told))
    return {"model": told[0]["model"], "messages": told[0]["messages"]}


@case("turn_off_message_logging")
def turn_off_message_logging(litellm: Any, site: Site) -> Any:
    told: list[Any] = []

    class Keeps(litellm.integrations.custom_logger.CustomLogger):  # type: ignore[misc,name-defined]
        def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            told.append((kwargs, response_obj))

    with settings(litellm, callbacks=[Keeps()], turn_off_message_logging=True):
        answer = litellm.completion(MODEL, ASK, **site.at())
        until(lambda: bool(told))
    kwargs, seen = told[0]
    return {
        "the caller's": answer.choices[0].message.content,
        "said": "Hello" in str(kwargs["messages"]),
        "answered": seen.choices[0].message.content == "ok",
    }


@case("callbacks")
def callbacks(litellm: Any, site: Site) -> Any:
    """In the order of the moments; a failing one loses nothing."""
    seen: list[str] = []

    class Fails(litellm.integrations.custom_logger.CustomLogger):  # type: ignore[misc,name-defined]
        def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            raise ValueError("mine")

    class Keeps(litellm.integrations.custom_logger.CustomLogger):  # type: ignore[misc,name-defined]
        def log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
            seen.append("before")

        def log_post_api_call(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            seen.append("after")

        def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            seen.append("answered")

        def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            seen.append("failed")

    with settings(litellm, callbacks=[Fails(), Keeps()]):
        answer = litellm.completion(MODEL, ASK, **site.at())
        until(lambda: "answered" in seen)
        whole = list(seen)
        seen.clear()
        raised(lambda: litellm.completion(MODEL, ASK, **site.at("400")))
        until(lambda: "failed" in seen)
    return {"answer": answer.choices[0].message.content, "whole": whole, "failed": sorted(set(seen) - {"after"})}


@case("integrations.custom_logger.CustomLogger")
def custom_logger(litellm: Any, site: Site) -> Any:
    """The methods of async calls."""
    seen: list[Any] = []
    mine = {"of the case": True}

    class Keeps(litellm.integrations.custom_logger.CustomLogger):  # type: ignore[misc,name-defined]
        async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            if "of the case" in kwargs["litellm_params"]["metadata"]:  # LiteLLM tells late of calls before it
                seen.append(
                    ["answered", kwargs["model"], kwargs["response_cost"], response_obj.choices[0].message.content]
                )

        async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            if "of the case" in kwargs["litellm_params"]["metadata"]:
                seen.append(["failed", type(kwargs["exception"]).__name__])

    async def calls() -> None:
        await litellm.acompletion(MODEL, ASK, metadata=mine, **site.at())
        await until_async(lambda: len(seen) == 1)
        async for _ in await litellm.acompletion(MODEL, ASK, stream=True, metadata=mine, **site.at()):
            pass
        await until_async(lambda: len(seen) == 2)
        try:
            await litellm.acompletion(MODEL, ASK, metadata=mine, **site.at("401"))
        except litellm.AuthenticationError:
            await until_async(lambda: len(seen) == 3)

    with settings(litellm, callbacks=[Keeps()]):
        asyncio.run(calls())
    return {
        "whole": seen[0],
        "stream": [seen[1][0], seen[1][1], seen[1][3]],
        "cost of the stream": seen[1][2],
        "failed": seen[2],
    }


def _refused(litellm: Any, site: Site) -> bool:
    try:
        litellm.completion(MODEL, ASK, **site.at())
    except litellm.exceptions.APIResponseValidationError:
        return True
    return False


@case("pre_call_rules")
def pre_call_rules(litellm: Any, site: Site) -> Any:
    with settings(litellm, pre_call_rules=[lambda text: len(text) < 4]):
        refused = _refused(litellm, site)
    with settings(litellm, pre_call_rules=[lambda text: True]):
        passed = litellm.completion(MODEL, ASK, **site.at())
    return {"refused": refused, "passed": passed.choices[0].message.content, "asked": len(site.upstream.asked)}


@case("post_call_rules")
def post_call_rules(litellm: Any, site: Site) -> Any:
    def judged(text: str) -> dict[str, Any]:
        return {"decision": len(text) > 5, "message": "too short"}

    with settings(litellm, post_call_rules=[judged]):
        short = _refused(litellm, site)
        long = litellm.completion(MODEL, ASK, **site.at("say-a_longer_text"))
    return {"refused": short, "passed": long.choices[0].message.content}


@case("max_budget")
def max_budget(litellm: Any, site: Site) -> Any:
    """What calls cost is added up."""
    with settings(litellm, _current_cost=0.0, max_budget=10.0):
        litellm.completion(MODEL, ASK, **site.at())
        until(lambda: litellm._current_cost > 0)
        return {"spent": round(litellm._current_cost, 9)}


@case("custom_provider_map")
def custom_provider_map(litellm: Any, site: Site) -> Any:
    class Mine(litellm.CustomLLM):  # type: ignore[misc,name-defined]
        def completion(self, *positional: Any, **said: Any) -> Any:
            return litellm.completion("gpt-4o", ASK, mock_response=f"of {said['model']}")

        def streaming(self, *positional: Any, **said: Any) -> Any:
            for text, last in (("of ", False), (said["model"], True)):
                yield {
                    "text": text,
                    "is_finished": last,
                    "finish_reason": "stop" if last else "",
                    "index": 0,
                    "tool_use": None,
                    "usage": None,
                }

    with settings(litellm, custom_provider_map=[{"provider": "mine", "custom_handler": Mine()}]):
        whole = litellm.completion("mine/one", ASK)
        stream = list(litellm.completion("mine/one", ASK, stream=True))
    return {
        "text": whole.choices[0].message.content,
        "streamed": "".join(chunk.choices[0].delta.content or "" for chunk in stream),
    }


@case("BudgetManager")
def budget_manager(litellm: Any, site: Site) -> Any:
    manager = litellm.BudgetManager(project_name="mine")
    manager.create_budget(total_budget=1.0, user="u-1")
    before = manager.get_current_cost("u-1")
    manager.update_cost(completion_obj=litellm.completion(MODEL, ASK, **site.at()), user="u-1")
    spent = manager.get_current_cost("u-1")
    projected = manager.projected_cost(model="gpt-4o", messages=ASK, user="u-1")
    manager.reset_cost("u-1")
    return {
        "before": before,
        "spent": spent,
        "by model": manager.user_dict["u-1"].get("model_cost"),
        "projected": round(projected, 9),
        "total": manager.get_total_budget("u-1"),
        "users": manager.get_users(),
        "valid": [manager.is_valid_user("u-1"), manager.is_valid_user("u-2")],
        "after a reset": manager.get_current_cost("u-1"),
    }


@case("caching.Cache")
def cache(litellm: Any, site: Site) -> Any:
    with settings(litellm, cache=litellm.caching.Cache(type="local")):
        for _ in range(2):
            litellm.completion(MODEL, ASK, caching=True, **site.at())
    return {"asked": len(site.upstream.asked)}


@case("enable_json_schema_validation")
def json_schema_validation(litellm: Any, site: Site) -> Any:
    shape = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    asked = {"type": "json_schema", "json_schema": {"name": "shape", "schema": shape, "strict": True}}
    with settings(litellm, enable_json_schema_validation=True):
        good = litellm.completion(MODEL, ASK, response_format=asked, **site.at('say-{"a":1}'))
        bad = raised(lambda: litellm.completion(MODEL, ASK, response_format=asked, **site.at('say-{"b":1}')))
    return {"good": good.choices[0].message.content, "bad": bad["raised"]}


@case("ModelResponse")
def model_response(litellm: Any, site: Site) -> Any:
    message = litellm.Message(role="assistant", content="Hi")
    made = litellm.ModelResponse(
        choices=[litellm.Choices(message=message, index=0, finish_reason="stop")],
        model="m",
        usage=litellm.Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3),
    )
    empty = litellm.ModelResponse()
    return {
        "made": dump(made) | {"id": None, "created": None},
        "get": [made.get("model"), made.get("nothing", 7), "choices" in made],
        "set": _set(made),
        "empty": [empty.choices[0].message.role, empty.choices[0].finish_reason, empty.object],
        "copied": made.model_copy().model,
        "dict": made.usage.model_dump()["total_tokens"],
    }


def _set(made: Any) -> Any:
    made.model = "other"
    made.choices[0].message.content = "changed"
    return [made["model"], made["choices"][0]["message"]["content"]]


@case("Message")
def message(litellm: Any, site: Site) -> Any:
    made = litellm.Message(content="Hi", role="assistant")
    return {
        "content": [made.content, made["content"], made.get("role")],
        "absent": [made.tool_calls, made.function_call],
        "json": dump(made.json()),
    }


@case("Usage")
def usage(litellm: Any, site: Site) -> Any:
    made = litellm.Usage(prompt_tokens=5, completion_tokens=2, total_tokens=7)
    return {"fields": [made.prompt_tokens, made["completion_tokens"], made.total_tokens]}


@case("_turn_on_debug")
def turn_on_debug(litellm: Any, site: Site) -> Any:
    import logging

    litellm._turn_on_debug()
    return {"level": litellm.verbose_logger.level == logging.DEBUG}
