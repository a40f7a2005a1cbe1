"""What bodies look like: used only to explain a failure, never to read.

Readers index boldly. When one stumbles, `explain_request` or `explain_response` finds the place and raises with its
JSON path. Fields are looked at in camelCase, whichever way they were said.
"""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import Json
from tollbridge.wires.gemini.vocabulary import fields
from tollbridge.wires.stumble import STUMBLES, kind_of, place_of
from tollbridge.wires.stumble import said as said_of

_ROLES = ("user", "model", "function", "tool")


class _Request(msgspec.Struct):
    contents: list[dict[str, Any]] | dict[str, Any]
    systemInstruction: dict[str, Any] | str | None = None
    tools: list[dict[str, Any]] | dict[str, Any] | None = None
    toolConfig: dict[str, Any] | None = None
    generationConfig: dict[str, Any] | None = None
    safetySettings: list[dict[str, Any]] | None = None
    cachedContent: str | None = None
    labels: dict[str, str] | None = None


class _Content(msgspec.Struct):
    parts: list[dict[str, Any]] | dict[str, Any]
    role: str | None = None


class _Config(msgspec.Struct):
    maxOutputTokens: float | None = None
    temperature: float | None = None
    topP: float | None = None
    topK: float | None = None
    seed: float | None = None
    frequencyPenalty: float | None = None
    presencePenalty: float | None = None
    candidateCount: float | None = None
    responseLogprobs: bool | None = None
    logprobs: float | None = None
    stopSequences: list[str] | None = None
    responseMimeType: str | None = None
    responseSchema: dict[str, Any] | None = None
    thinkingConfig: dict[str, Any] | None = None


class _Thinking(msgspec.Struct):
    thinkingBudget: int | None = None
    thinkingLevel: str | None = None


class _Calling(msgspec.Struct):
    mode: str | None = None
    allowedFunctionNames: list[str] | None = None


class _Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    parametersJsonSchema: dict[str, Any] | None = None


class _Call(msgspec.Struct):
    name: str
    args: dict[str, Any] | None = None
    id: str | None = None


class _ProviderCall(msgspec.Struct):
    toolType: str | None = None
    args: dict[str, Any] | None = None


class _Result(msgspec.Struct):
    name: str
    response: dict[str, Any]
    id: str | None = None
    parts: list[dict[str, Any]] | None = None


class _Blob(msgspec.Struct):
    data: str
    mimeType: str | None = None
    displayName: str | None = None


class _File(msgspec.Struct):
    fileUri: str
    mimeType: str | None = None
    displayName: str | None = None


class _Part(msgspec.Struct):
    text: str | None = None
    thoughtSignature: str | None = None


_OF_PARTS: dict[str, type[msgspec.Struct]] = {
    "functionCall": _Call,
    "functionResponse": _Result,
    "inlineData": _Blob,
    "fileData": _File,
    "toolCall": _ProviderCall,
}


class _Candidate(msgspec.Struct):
    content: dict[str, Any] | None = None
    finishReason: str | int | None = None
    index: int | None = None


class _Response(msgspec.Struct):
    candidates: list[dict[str, Any]] | None = None
    promptFeedback: dict[str, Any] | None = None


def explain_request(body: Json, cause: Exception) -> NoReturn:
    """Raise BadRequestError that names the place in a client's body."""
    try:
        said = _check(body, _Request, "$")
        if isinstance(said.get("systemInstruction"), dict):
            _check_content(said["systemInstruction"], "$.systemInstruction", any_role=True)
        contents = said["contents"]
        for index, content in enumerate(contents if isinstance(contents, list) else [contents]):
            _check_content(content, f"$.contents[{index}]")
        _check_config(said.get("generationConfig"))
        tools = said.get("tools") or []
        for index, tool in enumerate(tools if isinstance(tools, list) else [tools]):
            for at, function in enumerate(fields(tool).get("functionDeclarations") or []):
                _check(function, _Function, f"$.tools[{index}].functionDeclarations[{at}]")
        calling = fields(said.get("toolConfig") or {}).get("functionCallingConfig")
        if calling is not None:
            where = "$.toolConfig.functionCallingConfig"
            mode = _check(calling, _Calling, where).get("mode")
            if mode is not None and mode.upper() not in ("AUTO", "ANY", "NONE", "VALIDATED"):
                raise _wrong("`AUTO`, `ANY`, `NONE` or `VALIDATED`", mode, f"{where}.mode")
    except msgspec.ValidationError as found:
        raise BadRequestError(str(found), code="invalid_body", param=place_of(str(found))) from cause
    except STUMBLES:
        pass  # over what `cause` tells of
    told = said_of(body, cause)
    raise BadRequestError(told, code="invalid_body", param=place_of(told)) from cause


def explain_response(body: Json, cause: Exception) -> NoReturn:
    """Raise BadGatewayError that names the place in a provider's body."""
    raise BadGatewayError(
        f"The provider's answer could not be read: {_response_fault(body, cause)}", body=body
    ) from cause


def _response_fault(body: Json, cause: Exception) -> str:
    try:
        said = _check(body, _Response, "$")
        for index, candidate in enumerate(said.get("candidates") or []):
            where = f"$.candidates[{index}]"
            content = _check(candidate, _Candidate, where).get("content")
            if content is not None and "parts" in content:
                _check_content(content, f"{where}.content", any_role=True)
    except msgspec.ValidationError as found:
        return str(found)
    except STUMBLES:
        pass  # over what `cause` tells of
    return said_of(body, cause)


def _check_content(content: Json, where: str, *, any_role: bool = False) -> None:
    said = _check(content, _Content, where)
    role = said.get("role")
    if role is not None and role not in _ROLES and not any_role:
        raise _wrong("`user`, `model` or `function`", role, f"{where}.role")
    parts = said["parts"]
    for index, part in enumerate(parts if isinstance(parts, list) else [parts]):
        at = f"{where}.parts[{index}]"
        held = _check(part, _Part, at)
        for name, shape in _OF_PARTS.items():
            if held.get(name) is not None:
                _check(held[name], shape, f"{at}.{name}")


def _check_config(config: Json) -> None:
    if config is None:
        return
    said = _check(config, _Config, "$.generationConfig")
    for name in ("maxOutputTokens", "topK", "seed", "candidateCount", "logprobs"):
        value = said.get(name)
        if isinstance(value, float) and not value.is_integer():
            raise _wrong("a whole number", value, f"$.generationConfig.{name}")
    if said.get("thinkingConfig") is not None:
        _check(said["thinkingConfig"], _Thinking, "$.generationConfig.thinkingConfig")


def _wrong(wanted: str, got: object, where: str) -> msgspec.ValidationError:
    return msgspec.ValidationError(f"Expected {wanted}, got `{got}` - at `{where}`")


def _check(value: Json, shape: type[msgspec.Struct], path: str) -> dict[str, Any]:
    """`value` with its keys in camelCase. msgspec's own message, with its `$` replaced by where we are."""
    if not isinstance(value, dict):
        raise msgspec.ValidationError(f"Expected `object`, got `{kind_of(value)}` - at `{path}`")
    try:
        named = fields(value)
    except TypeError as twice:
        raise msgspec.ValidationError(f"{twice} - at `{path}`") from None
    try:
        msgspec.convert(named, shape)
    except msgspec.ValidationError as found:
        text, at, inner = str(found).partition(" - at `$")
        raise msgspec.ValidationError(f"{text} - at `{path}{inner}" if at else f"{text} - at `{path}`") from None
    return named
