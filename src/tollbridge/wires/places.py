"""Where a Caveat points, in the words of the client's own body.

Writers know the neutral request alone: they say `$.messages[2]`, `$.max_tokens`, `$.reasoning`. A client that wrote
`contents` or `input`, `maxOutputTokens` or `max_output_tokens`, is told that. What the client did not write (the
operator's default, say) is called as the writer called it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Raw
from msgspec.structs import replace

from tollbridge.model.json import Json
from tollbridge.model.request import Request
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import MARK
from tollbridge.wires.dialects import CHAT, COMPLETIONS, GEMINI, MESSAGES, RESPONSES
from tollbridge.wires.stumble import snake

_CONFIG = "generationConfig"
_CALLING = "toolConfig.functionCallingConfig"
_PLACES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    CHAT: {
        "max_tokens": ("max_completion_tokens", "max_tokens"),
        "seed": ("seed", "random_seed"),
        "tools": ("tools", "functions"),
        "tool_choice": ("tool_choice", "function_call"),
        "reasoning": ("reasoning_effort", "reasoning", "thinking"),
        "reasoning_effort": ("reasoning_effort", "reasoning.effort"),
        "system": ("messages",),
    },
    COMPLETIONS: {"messages": ("prompt",), "top_logprobs": ("logprobs",)},
    RESPONSES: {
        "messages": ("input",),
        "system": ("instructions", "input"),
        "max_tokens": ("max_output_tokens",),
        "reasoning": ("reasoning",),
        "reasoning_effort": ("reasoning.effort",),
        "response_format": ("text.format",),
        "logprobs": ("include",),
    },
    MESSAGES: {
        "stop": ("stop_sequences",),
        "parallel_tool_calls": ("tool_choice.disable_parallel_tool_use",),
        "reasoning": ("thinking", "output_config.effort"),
        "reasoning_effort": ("output_config.effort",),
        "response_format": ("output_config.format", "output_format"),
        "user": ("metadata.user_id",),
    },
    GEMINI: {
        "messages": ("contents",),
        "system": ("systemInstruction",),
        "max_tokens": (f"{_CONFIG}.maxOutputTokens",),
        "temperature": (f"{_CONFIG}.temperature",),
        "top_p": (f"{_CONFIG}.topP",),
        "top_k": (f"{_CONFIG}.topK",),
        "seed": (f"{_CONFIG}.seed",),
        "stop": (f"{_CONFIG}.stopSequences",),
        "frequency_penalty": (f"{_CONFIG}.frequencyPenalty",),
        "presence_penalty": (f"{_CONFIG}.presencePenalty",),
        "n": (f"{_CONFIG}.candidateCount",),
        "logprobs": (f"{_CONFIG}.responseLogprobs",),
        "top_logprobs": (f"{_CONFIG}.logprobs",),
        "reasoning": (f"{_CONFIG}.thinkingConfig",),
        "reasoning_effort": (f"{_CONFIG}.thinkingConfig.thinkingLevel",),
        "response_format": tuple(
            f"{_CONFIG}.{name}" for name in ("responseJsonSchema", "responseSchema", "responseMimeType")
        ),
        "tool_choice": (_CALLING,),
    },
}
"""By dialect: where it says what the neutral request calls by this name, the first that a body has."""

_NEUTRAL: Mapping[str, str] = {
    "choices": "n",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "stop_sequences": "stop",
    "parallel_tools": "parallel_tool_calls",
    "tool_choice.disable_parallel_tool_use": "parallel_tool_calls",
    "reasoning_effort": "reasoning",
    "thinking": "reasoning",
    "output_config.effort": "reasoning",
    "response_json": "response_format",
    "response_schema": "response_format",
    "output_config.format": "response_format",
    "text.format": "response_format",
    "random_seed": "seed",
    "strict_tools": "tools",
}
"""Other names that writers have for a thing, and the one that `_PLACES` has."""

HOLDERS: Mapping[str, frozenset[str]] = {
    RESPONSES: frozenset({"text"}),
    MESSAGES: frozenset({"output_config"}),
    GEMINI: frozenset({_CONFIG, "toolConfig"}),
}
"""By dialect: objects that hold settings. What is left of one is told by the names inside."""

MARKS = (MARK.removeprefix("."), "prompt_cache_breakpoint")
"""What a client calls a cache mark."""
MARK_DEPTH = 6
"""A message, its content, a result in it, the result's content, one of its parts; and the mark."""
_BEARERS = frozenset({"content", "output", "function", "tool_calls"})
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_LISTED = re.compile(r"\$\.(messages|tools)\[(\d+)\](.*)", re.DOTALL)
_NAMED = re.compile(r"\$\.([A-Za-z_.]+)(.*)", re.DOTALL)


class Places:
    """Of one request. `body`: the fields of the client's, each as `decode` takes it. `request`: as it was read from it;
    None where it goes on as it came. `added`: how many messages were put before its own."""

    def __init__(
        self,
        dialect: str,
        body: Mapping[str, Raw],
        decode: Callable[[Raw], Json],
        request: Request | None = None,
        added: int = 0,
    ) -> None:
        self.dialect = dialect
        self._body = body
        self._decode = decode
        self._request = request
        self._added = added
        self._names = _PLACES.get(dialect, {})

    def told(self, caveats: Iterable[Caveat]) -> tuple[Caveat, ...]:
        return tuple([one for caveat in caveats for one in self._told(caveat)])

    def has(self, name: str) -> bool:
        return name in self._body or (self.dialect == GEMINI and snake(name) in self._body)

    def value(self, place: str) -> Json:
        """What the client's body holds at the place, without `$.`; None where there is nothing."""
        first, *rest = place.split(".")
        value = self._field(first)
        for name in rest:
            if not isinstance(value, dict):
                return None
            value = value.get(name, value.get(snake(name)) if self.dialect == GEMINI else None)
        return value

    def _field(self, name: str) -> Json:
        if name not in self._body and self.dialect == GEMINI:
            name = snake(name)
        return self._decode(self._body[name]) if name in self._body else None

    def place(self, where: str) -> str:
        if where.endswith(MARK) and self._request is not None:
            bearer = self.place(where.removesuffix(MARK))
            return bearer if bearer == "$" else bearer + (_mark_in(self._held(bearer)) or MARK)
        request = self._request
        listed = _LISTED.fullmatch(where)
        if listed is not None:
            if request is None:
                return where
            number, rest = int(listed[2]), listed[3]
            if listed[1] == "messages":
                return self._message(number, request) + rest
            return self._tool(number) + (".function.strict" if rest == ".strict" and self.dialect == CHAT else rest)
        named = _NAMED.fullmatch(where)
        return where if named is None else f"$.{self._name(named[1])}{named[2]}"

    def _held(self, place: str) -> Json:
        """What the client's body holds at a place, of which each step is a name or `[number]`."""
        steps = _STEP.findall(place.removeprefix("$."))
        value = self._field(steps[0][0]) if steps else None
        for name, number in steps[1:]:
            if number and isinstance(value, list) and int(number) < len(value):
                value = value[int(number)]
            elif name and isinstance(value, dict):
                value = value.get(name)
            else:
                return None
        return value

    def _told(self, caveat: Caveat) -> Iterable[Caveat]:
        name = caveat.where.removeprefix("$.")
        if name in HOLDERS.get(self.dialect, ()):
            held = self._request.extra.get(name) if self._request is not None else None
            if isinstance(held, dict) and held:
                return [_renamed(caveat, name, f"$.{name}.{inner}") for inner in held]
        place = self.place(caveat.where)
        return [caveat if place == caveat.where else _renamed(caveat, name, place)]

    def _name(self, name: str) -> str:
        neutral = _NEUTRAL.get(name, name)
        for place in (*self._names.get(name, ()), *self._names.get(neutral, ())):
            if self.value(place) is not None:
                return place
        if neutral != name and self.value(name) is None and self.value(neutral) is not None:
            return neutral
        return name

    def _message(self, number: int, request: Request) -> str:
        number -= self._added
        if not 0 <= number < len(request.messages):
            return "$"
        first = request.messages[0]
        if first.spelling.get("at") is not None or (self.dialect == GEMINI and first.role == "system"):
            if number == 0:
                return f"$.{self._name('system')}"
            number -= 1
        (name,) = self._names.get("messages", ("messages",))
        return f"$.{name}[{number}]" if isinstance(self._field(name), list) else f"$.{name}"

    def _tool(self, number: int) -> str:
        name = self._name("tools")
        if self.dialect != GEMINI:
            return f"$.{name}[{number}]"
        groups = self.value(name)
        for at, group in enumerate(groups if isinstance(groups, list) else [groups]):
            functions = _functions(group)
            if number < len(functions):
                return f"$.tools[{at}].functionDeclarations[{number}]"
            number -= len(functions)
            if not functions or len(group) > 1:
                if number == 0:
                    return f"$.tools[{at}]"
                number -= 1
        return "$.tools"


def _mark_in(value: Json, depth: int = 0) -> str:
    """The way from a value to the first cache mark within it; "" where there is none."""
    if depth == MARK_DEPTH:
        return ""
    steps: Iterable[tuple[str, Json]] = ()
    if isinstance(value, dict):
        for name in MARKS:
            if value.get(name) is not None:
                return f".{name}"
        steps = ((f".{name}", inner) for name, inner in value.items() if name in _BEARERS)
    elif isinstance(value, list):
        steps = ((f"[{at}]", inner) for at, inner in enumerate(value))
    return next((step + rest for step, inner in steps if (rest := _mark_in(inner, depth + 1))), "")


def _functions(group: Json) -> Sequence[Json]:
    said = group.get("functionDeclarations", group.get("function_declarations")) if isinstance(group, dict) else None
    return said if isinstance(said, list) else ()


def _renamed(caveat: Caveat, name: str, place: str) -> Caveat:
    told = place.removeprefix("$.")
    detail, refused = (said.replace(f"`{name}`", f"`{told}`") for said in (caveat.detail, caveat.refused))
    return replace(caveat, where=place, detail=detail, refused=refused)
