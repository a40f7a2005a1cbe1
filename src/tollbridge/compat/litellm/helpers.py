"""LiteLLM's small functions: whose a model is, messages cut to a window, tools of functions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from tollbridge.catalog.encodings import encoding
from tollbridge.catalog.tokens import rule_for
from tollbridge.compat.litellm import custom_llm
from tollbridge.compat.litellm.calls import settings
from tollbridge.compat.litellm.logs import turn_on_debug, verbose_logger
from tollbridge.compat.litellm.model_lists import model_list
from tollbridge.errors import NotFoundError
from tollbridge.sdk.model_info import get_model_info
from tollbridge.sdk.token_counts import token_counter
from tollbridge.sdk.value import Value
from tollbridge.sdk.whose import located

CUT = ".."
_JSON = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}

_turn_on_debug = turn_on_debug


def get_llm_provider(
    model: str, custom_llm_provider: str | None = None, api_base: str | None = None, api_key: str | None = None
) -> tuple[str, str, str | None, str | None]:
    """(the model's name there, the provider, the key as it was given, the address as it was given). Raises
    NotFoundError with near names."""
    own = custom_llm.found(settings().get("custom_provider_map"), model, {"custom_llm_provider": custom_llm_provider})
    if own is not None:
        return own[1], custom_llm_provider or model.partition("/")[0], api_key, api_base
    row, name = located(model, custom_llm_provider, api_base)
    return name, row.name, api_key, api_base


def get_model_list() -> list[str]:
    return model_list()


async def acount_tokens(model: str, messages: Sequence[Any] | None = None, **said: Any) -> Value:
    """`total_tokens`, counted here as `token_counter` does: nobody is asked."""
    tools = said.get("tools")
    counted = token_counter(model=model, messages=messages, tools=tools, text=said.get("text"))
    used = {"request_model": model, "model_used": model, "tokenizer_type": "tollbridge"}
    return Value(total_tokens=counted, error=False, **used)


def _should_retry(status_code: int) -> bool:
    """Whether an error of this status may pass."""
    return status_code in (408, 409, 429) or status_code >= 500


def get_response_string(response_obj: Any) -> str:
    """What all choices say, one after another."""
    found = []
    for choice in response_obj["choices"]:
        said = choice.get("message") or choice.get("delta") or {}
        found.append(said.get("content") or choice.get("text") or "")
    return "".join(found)


def print_verbose(print_statement: object, *_: object, **__: object) -> None:
    verbose_logger.debug("%s", print_statement)


def trim_messages(
    messages: Sequence[Mapping[str, Any]],
    model: str | None = None,
    trim_ratio: float = 0.75,
    return_response_tokens: bool = False,
    max_tokens: int | None = None,
) -> Any:
    """The messages that fit: those of the system, then the latest. Where not even the last one fits, it is cut in its
    middle. Results of tools go with the call before them, or not at all.

    `max_tokens`: None for `trim_ratio` of what the model can read; where that is not known, all stay. With
    `return_response_tokens`, (messages, what is left for the answer)."""
    if max_tokens is None:
        window = _window(model)
        if window is None:
            return (list(messages), None) if return_response_tokens else list(messages)
        max_tokens = int(window * trim_ratio)
    name = model or ""
    fixed = [one for one in messages if one.get("role") in ("system", "developer")]
    turns = _turns([one for one in messages if one.get("role") not in ("system", "developer")])
    kept: list[list[Mapping[str, Any]]] = []
    for turn in reversed(turns):
        tried = [*fixed, *turn, *(one for later in kept for one in later)]
        if token_counter(model=name, messages=tried) > max_tokens:
            break
        kept.insert(0, turn)
    found = [*fixed, *(one for turn in kept for one in turn)]
    if not kept and turns:
        room = max_tokens - token_counter(model=name, messages=[*fixed, {**turns[-1][-1], "content": ""}])
        over = 1
        while over > 0:  # where tokens are estimated, a cut text has more than it was cut to
            found = [*fixed, _cut(turns[-1][-1], room, name)]
            over = token_counter(model=name, messages=found) - max_tokens if room > 0 else 0
            room -= over
    if not return_response_tokens:
        return found
    return found, max(0, max_tokens - token_counter(model=name, messages=found))


def _window(model: str | None) -> int | None:
    try:
        window: int | None = None if model is None else get_model_info(model)["max_input_tokens"]
    except NotFoundError:
        return None
    return window


def _turns(messages: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """A call of tools with its results is one thing."""
    turns: list[list[Mapping[str, Any]]] = []
    for message in messages:
        if message.get("role") == "tool" and turns:
            turns[-1].append(message)
        else:
            turns.append([message])
    return turns


def _cut(message: Mapping[str, Any], room: int, model: str) -> dict[str, Any]:
    text = message.get("content")
    if not isinstance(text, str):
        return dict(message)
    tokens = encoding(rule_for(model).encoding)
    all_of_it = tokens.encode_ordinary(text)
    half = max(0, room - 2) // 2
    if len(all_of_it) <= room or not half:
        return {**message, "content": text if len(all_of_it) <= room else ""}
    return {**message, "content": f"{tokens.decode(all_of_it[:half])}{CUT}{tokens.decode(all_of_it[-half:])}"}


def function_to_dict(input_function: Callable[..., Any]) -> dict[str, Any]:
    """A function as a tool's `function`: its name, the first paragraph of its docstring, its arguments by their
    annotations, described as a numpy docstring describes them (`name : type`, then an indented line)."""
    told = inspect.getdoc(input_function) or ""
    properties: dict[str, Any] = {}
    required = []
    for name, one in inspect.signature(input_function, eval_str=True).parameters.items():
        described = re.search(rf"^{re.escape(name)}\s*:\s*(.*)\n((?:[ \t]+.*\n?)*)", told, re.MULTILINE)
        properties[name] = _schema(one.annotation, described)
        if one.default is inspect.Parameter.empty:
            required.append(name)
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    about = told.partition("\n\n")[0].replace("\n", " ")
    return {"name": input_function.__name__, "description": about, "parameters": parameters}


def _schema(annotation: Any, described: re.Match[str] | None) -> dict[str, Any]:
    kinds = [one for one in get_args(annotation) if one in _JSON] or [getattr(annotation, "__origin__", annotation)]
    schema: dict[str, Any] = {"type": _JSON.get(kinds[0], "string")}
    if described is not None:
        choices = re.search(r"\{(.+)\}", described[1])
        if choices is not None:
            schema["enum"] = [word.strip().strip("'\"") for word in choices[1].split(",")]
        if described[2].strip():
            schema["description"] = " ".join(described[2].split())
    return schema
