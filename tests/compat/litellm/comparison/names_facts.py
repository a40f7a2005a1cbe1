"""What models cost, can do and hold: functions that ask nobody."""

from __future__ import annotations

from typing import Any

from tests.compat.litellm.comparison.case import ASK, TOOL, Site, case, raised, told
from tests.compat.litellm.comparison.environment import variables

TEXT = "Tollbridge counts what it carries, and says what it cost."
LONG = [
    {"role": "system", "content": "You are brief."},
    *({"role": role, "content": f"{TEXT} {number}"} for number in range(6) for role in ("user", "assistant")),
    {"role": "user", "content": "The last one."},
]


@case("token_counter")
def token_counter(litellm: Any, site: Site) -> Any:
    return {
        "text, gpt-4o": litellm.token_counter(model="gpt-4o", text=TEXT),
        "text, gpt-3.5-turbo": litellm.token_counter(model="gpt-3.5-turbo", text=TEXT),
        "messages, gpt-4o": litellm.token_counter(model="gpt-4o", messages=LONG),
        "messages, claude": litellm.token_counter(model="claude-sonnet-4-5", messages=ASK),
        "with tools": litellm.token_counter(model="gpt-4o", messages=ASK, tools=[TOOL]),
        "an answer": litellm.token_counter(model="gpt-4o", messages=ASK, count_response_tokens=True),
        "several texts": litellm.token_counter(model="gpt-4o", text=[TEXT, TEXT]),
        "nothing": raised(lambda: litellm.token_counter(model="gpt-4o"))["raised"] is not None,
    }


@case("encode")
def encode(litellm: Any, site: Site) -> Any:
    return {
        "gpt-4o": litellm.encode(model="gpt-4o", text=TEXT),
        "gpt-3.5-turbo": litellm.encode(model="gpt-3.5-turbo", text=TEXT),
    }


@case("decode")
def decode(litellm: Any, site: Site) -> Any:
    return {
        model: litellm.decode(model=model, tokens=litellm.encode(model=model, text=TEXT))
        for model in ("gpt-4o", "gpt-4")
    }


@case("create_pretrained_tokenizer")
def create_pretrained_tokenizer(litellm: Any, site: Site) -> Any:
    """It fetches from a hub, where there is none here: what is looked at is that it says so."""
    return {
        "without a network": raised(lambda: litellm.create_pretrained_tokenizer("nobody/has-this"))["raised"]
        is not None
    }


@case("completion_cost")
def completion_cost(litellm: Any, site: Site) -> Any:
    answer = litellm.completion("openai/gpt-4o", ASK, **site.at())
    text = litellm.completion_cost(model="gpt-4o", prompt=TEXT, completion=TEXT)
    own = {"input_cost_per_token": 0.5, "output_cost_per_token": 1.0}
    return {
        "of an answer": litellm.completion_cost(completion_response=answer),
        "formatted": f"{litellm.completion_cost(completion_response=answer):.6f}",
        "of texts": text,
        "of messages": litellm.completion_cost(model="gpt-4o", messages=ASK, completion="Hi"),
        "of a mock": litellm.completion_cost(litellm.completion("gpt-4o-mini", ASK, mock_response="Hi")) > 0,
        "at a price of one's own": litellm.completion_cost(completion_response=answer, custom_cost_per_token=own),
        "of an unknown model": raised(
            lambda: litellm.completion_cost(model="nobody-has-this", prompt="a", completion="b")
        )
        != {"raised": None},
    }


@case("cost_per_token")
def cost_per_token(litellm: Any, site: Site) -> Any:
    def cost(model: str, **said: Any) -> list[float]:
        return [round(one, 12) for one in litellm.cost_per_token(model=model, **said)]

    return {
        "gpt-4o": cost("gpt-4o", prompt_tokens=1000, completion_tokens=500),
        "claude": cost("claude-sonnet-4-5", prompt_tokens=1000, completion_tokens=500),
        "claude, long": cost("claude-sonnet-4-5", prompt_tokens=250_000, completion_tokens=500),
        "gemini": cost("gemini/gemini-2.5-pro", prompt_tokens=1000, completion_tokens=500),
        "gemini, long": cost("gemini/gemini-2.5-pro", prompt_tokens=250_000, completion_tokens=500),
        "an embedding": cost("text-embedding-3-small", prompt_tokens=1000),
        "on azure": cost("azure/gpt-4o", prompt_tokens=1000, completion_tokens=500),
        "a local one": cost("ollama/llama2", prompt_tokens=1000, completion_tokens=500),
    }


@case("get_model_info")
def get_model_info(litellm: Any, site: Site) -> Any:
    fields = ("max_input_tokens", "max_output_tokens", "max_tokens", "mode", "litellm_provider")
    prices = ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost")
    can = ("supports_vision", "supports_function_calling", "supports_prompt_caching")
    found: dict[str, Any] = {}
    for model in ("gpt-4o", "claude-sonnet-4-5", "gemini/gemini-2.5-pro", "text-embedding-3-small"):
        info = litellm.get_model_info(model)
        found[model] = [info.get(field) for field in fields]
        found[f"{model}, prices"] = [info.get(field) for field in prices]
        found[f"{model}, can"] = [bool(info.get(field)) for field in can]
    found["an unknown one"] = raised(lambda: litellm.get_model_info("nobody-has-this"))["raised"] is not None
    return found


@case("get_max_tokens")
def get_max_tokens(litellm: Any, site: Site) -> Any:
    return {model: litellm.get_max_tokens(model) for model in ("gpt-4o", "gpt-3.5-turbo", "claude-sonnet-4-5")}


@case("register_model")
def register_model(litellm: Any, site: Site) -> Any:
    own = {"max_tokens": 1000, "input_cost_per_token": 0.001, "output_cost_per_token": 0.002, "mode": "chat"}
    litellm.register_model({"openai/my-case-model": {**own, "litellm_provider": "openai"}})
    info = litellm.get_model_info("openai/my-case-model")
    answer = litellm.completion("openai/my-case-model", ASK, **site.at())
    return {
        "info": [info["input_cost_per_token"], info["max_tokens"], info["litellm_provider"]],
        "cost": litellm.completion_cost(completion_response=answer, model="openai/my-case-model"),
        "cost of the answer": answer._hidden_params["response_cost"],
    }


_SUPPORTS = {
    "supports_function_calling": ("gpt-4o", "claude-sonnet-4-5", "gemini/gemini-2.5-pro", "ollama/llama2"),
    "supports_parallel_function_calling": ("gpt-4o", "gpt-4-0613"),
    "supports_vision": ("gpt-4o", "gpt-3.5-turbo", "claude-sonnet-4-5"),
    "supports_response_schema": ("gpt-4o", "gpt-3.5-turbo", "gemini/gemini-2.5-pro"),
    "supports_reasoning": ("o3-mini", "gpt-4o", "claude-sonnet-4-5"),
    "supports_prompt_caching": ("gpt-4o", "claude-sonnet-4-5", "gpt-3.5-turbo"),
    "supports_pdf_input": ("claude-sonnet-4-5", "gpt-3.5-turbo"),
    "supports_audio_input": ("gpt-4o-audio-preview", "gpt-4o"),
    "supports_audio_output": ("gpt-4o-audio-preview", "gpt-4o"),
    "supports_web_search": ("gpt-4o-search-preview", "gpt-3.5-turbo"),
    "supports_tool_choice": ("gpt-4o", "claude-sonnet-4-5"),
    "supports_computer_use": ("claude-sonnet-4-5", "gpt-3.5-turbo"),
}
_HERE = frozenset({"supports_computer_use", "supports_tool_choice"})


def _of(name: str, models: tuple[str, ...]) -> Any:
    def run(litellm: Any, site: Site) -> Any:
        function = getattr(litellm, name, None) or getattr(litellm.utils, name)
        return {model: function(model=model) for model in models} | {
            "an unknown one": function(model="nobody-has-this")
        }

    return run


for _name, _models in _SUPPORTS.items():
    case(f"utils.{_name}" if _name in _HERE else _name)(_of(_name, _models))


@case("supports_system_messages")
def supports_system_messages(litellm: Any, site: Site) -> Any:
    """LiteLLM wants the provider said."""
    return {
        model: litellm.supports_system_messages(model, "openai") for model in ("gpt-4o", "o1-mini", "nobody-has-this")
    }


@case("get_llm_provider")
def get_llm_provider(litellm: Any, site: Site) -> Any:
    models = (
        *("gpt-4o", "claude-sonnet-4-5", "openai/gpt-4o", "anthropic/claude-sonnet-4-5", "azure/my-deployment"),
        *(
            "gemini/gemini-2.5-pro",
            "bedrock/anthropic.claude-3-haiku-20240307-v1:0",
            "ollama/llama2",
            "groq/llama-3.3-70b",
        ),
        *("together_ai/a/b", "openrouter/openai/gpt-4o", "vertex_ai/gemini-2.5-pro", "deepseek/deepseek-chat"),
    )
    return {model: list(litellm.get_llm_provider(model)[:2]) for model in models} | {
        "an unknown one": raised(lambda: litellm.get_llm_provider("nobody-has-this"))
    }


@case("validate_environment")
def validate_environment(litellm: Any, site: Site) -> Any:
    with variables(OPENAI_API_KEY="sk-x"):
        there = litellm.validate_environment("gpt-4o")
    return {
        "there": there,
        "missing": litellm.validate_environment("gpt-4o"),
        "anthropic": litellm.validate_environment("claude-sonnet-4-5"),
        "with a key": litellm.validate_environment("gpt-4o", api_key="k")["keys_in_environment"],
        "azure": litellm.validate_environment("azure/gpt-4o"),
        "bedrock": litellm.validate_environment("bedrock/anthropic.claude-3-haiku-20240307-v1:0"),
    }


@case("check_valid_key")
def check_valid_key(litellm: Any, site: Site) -> Any:
    with variables(OPENAI_BASE_URL=site.upstream.url(), OPENAI_API_BASE=site.upstream.url()):
        good = litellm.check_valid_key(model="gpt-3.5-turbo", api_key="sk-good")
    with variables(OPENAI_BASE_URL=site.upstream.url("401"), OPENAI_API_BASE=site.upstream.url("401")):
        bad = litellm.check_valid_key(model="gpt-3.5-turbo", api_key="sk-bad")
    return {"good": good, "bad": bad}


@case("get_valid_models")
def get_valid_models(litellm: Any, site: Site) -> Any:
    with variables(OPENAI_API_KEY="sk-x"):
        found = litellm.get_valid_models()
    return {
        "of the key's provider": "gpt-4o" in found,
        "of others": any(name.startswith("claude") for name in found),
        "without a key": "gpt-4o" in litellm.get_valid_models(),
    }


@case("get_supported_openai_params")
def get_supported_openai_params(litellm: Any, site: Site) -> Any:
    names = (
        "temperature",
        "tools",
        "tool_choice",
        "stop",
        "logit_bias",
        "response_format",
        "stream",
        "seed",
        "n",
        "user",
    )
    found: dict[str, Any] = {}
    for model in ("gpt-4o", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-pro", "groq/llama-3.3-70b-versatile"):
        params = litellm.get_supported_openai_params(model=model)
        found[model] = {name: name in params for name in names}
    return found


@case("model_cost")
def model_cost(litellm: Any, site: Site) -> Any:
    one = litellm.model_cost["gpt-4o"]
    return {
        "price": [one["input_cost_per_token"], one["output_cost_per_token"]],
        "provider": one["litellm_provider"],
        "has": ["gpt-4o" in litellm.model_cost, "nobody-has-this" in litellm.model_cost],
        "get": litellm.model_cost.get("nobody-has-this"),
        "more than a thousand": len(litellm.model_cost) > 1000,
    }


@case("model_list")
def model_list(litellm: Any, site: Site) -> Any:
    return {
        model: model in litellm.model_list
        for model in ("gpt-4o", "claude-sonnet-4-5", "gemini/gemini-2.5-pro", "nobody")
    }


@case("provider_list")
def provider_list(litellm: Any, site: Site) -> Any:
    """LiteLLM's are members of an enumeration of texts."""
    names = [getattr(one, "value", one) for one in litellm.provider_list]
    return {
        name: name in names
        for name in ("openai", "anthropic", "azure", "bedrock", "vertex_ai", "groq", "ollama", "xai")
    }


@case("models_by_provider")
def models_by_provider(litellm: Any, site: Site) -> Any:
    found = litellm.models_by_provider
    return {
        "openai": "gpt-4o" in found["openai"],
        "anthropic": any(name.endswith("claude-sonnet-4-5") for name in found["anthropic"]),
        "groq": len(found["groq"]) > 5,
    }


@case("utils.trim_messages")
def trim_messages(litellm: Any, site: Site) -> Any:
    room = litellm.token_counter(model="gpt-4o", messages=LONG) * 2 // 3
    short = litellm.utils.trim_messages(LONG, model="gpt-4o", max_tokens=room)
    return {
        "fits": litellm.utils.trim_messages(ASK, model="gpt-4o"),
        "keeps the system's": short[0]["role"],
        "keeps the last": short[-1]["content"],
        "is short enough": litellm.token_counter(model="gpt-4o", messages=short) <= room,
        "fewer": len(short) < len(LONG),
        "left for the answer": told(
            lambda: litellm.utils.trim_messages(ASK, model="gpt-4o", return_response_tokens=True)[1]
        ),
    }


@case("utils.function_to_dict")
def function_to_dict(litellm: Any, site: Site) -> Any:
    def weather(place: str, days: int = 1) -> str:
        """Get the weather.

        Parameters
        ----------
        place : str
            The town, e.g. Vienna
        days : {'1', '3'}
            How many
        """
        return f"{place} {days}"

    weather.__annotations__ = {"place": str, "days": int, "return": str}  # LiteLLM reads no annotations that are texts
    return litellm.utils.function_to_dict(weather)


@case("utils.get_response_string")
def get_response_string(litellm: Any, site: Site) -> Any:
    return {"text": litellm.utils.get_response_string(litellm.completion("openai/gpt-4o", ASK, **site.at()))}


@case("acount_tokens")
def acount_tokens(litellm: Any, site: Site) -> Any:
    import asyncio

    found = asyncio.run(litellm.acount_tokens(model="openai/gpt-4o", messages=ASK, api_key="k"))
    return {"tokens": found.total_tokens}
