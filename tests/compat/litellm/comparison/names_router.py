"""`Router`, as a program makes one."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.compat.litellm.comparison.case import ASK, Site, case, raised, told


def entry(site: Site, name: str, behaviour: str, model: str = "openai/gpt-4o", **said: Any) -> dict[str, Any]:
    info = said.pop("model_info", None)
    params = {"model": model, "api_base": site.upstream.url(behaviour), "api_key": "sk-case", **said}
    return {"model_name": name, "litellm_params": params, **({"model_info": info} if info else {})}


def said(answer: Any) -> Any:
    return answer.choices[0].message.content


@case("Router")
def router(litellm: Any, site: Site) -> Any:
    made = litellm.Router(model_list=[entry(site, "one", "one"), entry(site, "two", "two")], num_retries=0)
    stream = made.completion("two", ASK, stream=True)
    return {
        "completion": said(made.completion("one", ASK)),
        "acompletion": said(asyncio.run(made.acompletion(model="two", messages=ASK))),
        "stream": "".join(chunk.choices[0].delta.content or "" for chunk in stream),
        "names": sorted(made.get_model_names()),
        "an unknown name": raised(lambda: made.completion("three", ASK)),
        "of the list": len(made.model_list),
    }


@case("Router(fallbacks=)")
def fallbacks(litellm: Any, site: Site) -> Any:
    models = [entry(site, "bad", "500"), entry(site, "good", "good"), entry(site, "worse", "401")]
    made = litellm.Router(model_list=models, num_retries=0, fallbacks=[{"bad": ["worse", "good"]}])
    answer = made.completion("bad", ASK)
    plain = litellm.Router(model_list=models, num_retries=0)
    by_call = plain.completion("bad", ASK, fallbacks=["good"])
    return {
        "text": said(answer),
        "asked": [one.behaviour for one in site.upstream.asked[:3]],
        "of the call": said(by_call),
        "none left": raised(lambda: plain.completion("bad", ASK))["raised"],
        "async": said(asyncio.run(made.acompletion("bad", ASK))),
    }


@case("Router(default_fallbacks=)")
def default_fallbacks(litellm: Any, site: Site) -> Any:
    models = [entry(site, "bad", "500"), entry(site, "good", "good")]
    made = litellm.Router(model_list=models, num_retries=0, default_fallbacks=["good"])
    return {"text": said(made.completion("bad", ASK))}


@case("Router(context_window_fallbacks=)")
def context_window_fallbacks(litellm: Any, site: Site) -> Any:
    models = [entry(site, "small", "window"), entry(site, "large", "large"), entry(site, "strict", "policy")]
    made = litellm.Router(
        model_list=models,
        num_retries=0,
        context_window_fallbacks=[{"small": ["large"]}],
        content_policy_fallbacks=[{"strict": ["large"]}],
    )
    return {
        "the window": said(made.completion("small", ASK)),
        "the policy": told(lambda: said(made.completion("strict", ASK))),
    }


@case("Router(num_retries=)")
def retries(litellm: Any, site: Site) -> Any:
    made = litellm.Router(model_list=[entry(site, "one", "500-2")], num_retries=2, retry_after=0)
    answer = made.completion("one", ASK)
    asked = len(site.upstream.asked)
    strict = litellm.Router(model_list=[entry(site, "one", "400")], num_retries=2)
    refused = raised(lambda: strict.completion("one", ASK))["raised"]
    again = len(site.upstream.asked) - asked
    site.upstream.forget()
    own = litellm.Router(model_list=[entry(site, "one", "500-2", max_retries=0)], num_retries=2, retry_after=0)
    return {
        "text": said(answer),
        "asked": asked,
        "a 400": [refused, again],
        "max_retries: 0 of a deployment": told(lambda: said(own.completion("one", ASK))),
    }


@case("Router(retry_policy=)")
def retry_policy(litellm: Any, site: Site) -> Any:
    policy = litellm.RetryPolicy(RateLimitErrorRetries=1, InternalServerErrorRetries=0)
    made = litellm.Router(
        model_list=[entry(site, "limited", "429"), entry(site, "broken", "500")], retry_policy=policy, retry_after=0
    )
    raised(lambda: made.completion("limited", ASK))
    limited = len(site.upstream.asked)
    raised(lambda: made.completion("broken", ASK))
    return {"429 asked": limited, "500 asked": len(site.upstream.asked) - limited}


@case("Router(allowed_fails=)")
def cooldown(litellm: Any, site: Site) -> Any:
    """A deployment that failed once is not asked again; the other of its group is."""
    models = [entry(site, "group", "401", weight=1000), entry(site, "group", "good", weight=1)]
    made = litellm.Router(model_list=models, num_retries=2, allowed_fails=0, cooldown_time=60)
    texts = [said(made.completion("group", ASK)) for _ in range(4)]
    failed = sum(one.behaviour == "401" for one in site.upstream.asked)
    return {"texts": texts, "asked the failing one at most twice": failed <= 2}


@case("Router(model_group_alias=)")
def alias(litellm: Any, site: Site) -> Any:
    made = litellm.Router(model_list=[entry(site, "one", "one")], model_group_alias={"gpt-4": "one"}, num_retries=0)
    return {"text": said(made.completion("gpt-4", ASK)), "named": "gpt-4" in made.get_model_names()}


@case("Router: wildcards")
def wildcards(litellm: Any, site: Site) -> Any:
    models = [entry(site, "openai/*", "wild", model="openai/*"), entry(site, "openai/gpt-4o", "exact")]
    made = litellm.Router(model_list=models, num_retries=0)
    wild = made.completion("openai/gpt-4o-mini", ASK)
    sent = site.upstream.last.body["model"]
    return {"wild": said(wild), "sent": sent, "exact": said(made.completion("openai/gpt-4o", ASK))}


@case("Router: weight and order")
def weights(litellm: Any, site: Site) -> Any:
    by_weight = litellm.Router(
        model_list=[entry(site, "group", "heavy", weight=1), entry(site, "group", "light", weight=0)], num_retries=0
    )
    by_order = litellm.Router(
        model_list=[entry(site, "group", "first", order=1), entry(site, "group", "second", order=2)], num_retries=0
    )
    return {
        "weight": sorted({said(by_weight.completion("group", ASK)) for _ in range(6)}),
        "order": sorted({said(by_order.completion("group", ASK)) for _ in range(6)}),
    }


@case("Router(timeout=)")
def timeout(litellm: Any, site: Site) -> Any:
    made = litellm.Router(model_list=[entry(site, "slow", "slow")], timeout=0.2, num_retries=0)
    return {"slow": raised(lambda: made.completion("slow", ASK))}


@case("Router(enable_pre_call_checks=)")
def pre_call_checks(litellm: Any, site: Site) -> Any:
    models = [
        entry(site, "group", "small", model_info={"max_input_tokens": 5}),
        entry(site, "group", "large", model_info={"max_input_tokens": 100_000}),
    ]
    made = litellm.Router(model_list=models, enable_pre_call_checks=True, num_retries=0)
    long = [{"role": "user", "content": "word " * 50}]
    return {"texts": sorted({said(made.completion("group", long)) for _ in range(5)})}


@case("Router.embedding")
def embedding(litellm: Any, site: Site) -> Any:
    made = litellm.Router(
        model_list=[entry(site, "vectors", "ok", model="openai/text-embedding-3-small")], num_retries=0
    )
    return {
        "sync": made.embedding(model="vectors", input=["a"]).data[0]["embedding"],
        "async": asyncio.run(made.aembedding(model="vectors", input=["a"])).data[0]["embedding"],
    }


@case("Router.text_completion")
def text_completion(litellm: Any, site: Site) -> Any:
    made = litellm.Router(model_list=[entry(site, "one", "one")], num_retries=0)
    return {
        "sync": told(lambda: made.text_completion(model="one", prompt="Say").choices[0].text),
        "async": told(lambda: asyncio.run(made.atext_completion(model="one", prompt="Say")).choices[0].text),
    }


@case("Router: changing the list")
def changes(litellm: Any, site: Site) -> Any:
    made = litellm.Router(model_list=[entry(site, "one", "one", model_info={"id": "id-1"})], num_retries=0)
    made.add_deployment(litellm.Deployment(**entry(site, "two", "two", model_info={"id": "id-2"})))
    added = said(made.completion("two", ASK))
    made.delete_deployment(id="id-2")
    return {
        "added": added,
        "deleted": raised(lambda: made.completion("two", ASK))["raised"],
        "info": made.get_deployment(model_id="id-1").model_name,
    }


@case("Router.get_model_list")
def get_model_list(litellm: Any, site: Site) -> Any:
    models = [entry(site, "one", "one", model_info={"id": "id-1"}), entry(site, "two", "two")]
    made = litellm.Router(model_list=models, num_retries=0)
    found = made.get_model_list(model_name="one")
    return {
        "names": [one["model_name"] for one in found],
        "model": found[0]["litellm_params"]["model"],
        "all": len(made.get_model_list()),
        "ids": made.get_model_ids(model_name="one"),
    }


@case("Router.get_model_group_info")
def group_info(litellm: Any, site: Site) -> Any:
    made = litellm.Router(model_list=[entry(site, "one", "one")], num_retries=0)
    info = made.get_model_group_info(model_group="one")
    return {"window": info.max_input_tokens, "providers": info.providers, "price": info.input_cost_per_token}


@case("Router.abatch_completion")
def abatch_completion(litellm: Any, site: Site) -> Any:
    made = litellm.Router(model_list=[entry(site, "one", "one"), entry(site, "two", "two")], num_retries=0)
    found = asyncio.run(made.abatch_completion(models=["one", "two"], messages=ASK))
    return {"texts": [said(one) for one in found]}
