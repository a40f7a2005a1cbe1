"""The operations of an OpenAPI document as tools.

1. A tool has its `operationId` for a name, in letters that every client takes; else its method and path. Where two
   would have the same, each has a mark of its method and path behind it: names do not depend on the order of things.
2. Its arguments are the operation's parameters under their own names, whatever they are sent in, and `body`. Where a
   name is taken twice it has behind it what it is sent in (`id_query`).
3. What cannot be a tool is left out, with the reason, and the rest is there.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from tollbridge.mcp.openapi.schemas import Schemas, TooMuch
from tollbridge.mcp.openapi.swagger import METHODS
from tollbridge.model.json import Json, JsonObject

NAME_MAX = 64
OPERATIONS_MAX = 2_000
DESCRIPTION_MAX = 4_000
PLACES = ("path", "query", "header", "cookie")
IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
"""The specification's: a parameter of that name is to be ignored."""
OUR_HEADERS = frozenset(
    {
        *("host", "content-length", "connection", "transfer-encoding", "cookie", "te", "trailer", "upgrade"),
        *("keep-alive", "proxy-authorization", "proxy-connection", "expect", "x-api-key", "origin"),
    }
)
"""What no argument says."""
JSON_TYPE = "application/json"
BODIES = (JSON_TYPE, "application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "*/*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_INVALID = re.compile(r"[^A-Za-z0-9_.-]+")
_STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_KNOWN = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """`argument`: what it is called in the tool. `json`: it is sent as JSON. `segments`: it may be several parts of the
    path, as the document says (`x-multi-segment`, `allowReserved`)."""

    name: str
    argument: str
    place: str
    style: str
    explode: bool
    required: bool = False
    json: bool = False
    segments: bool = False


class Body(msgspec.Struct, frozen=True, kw_only=True):
    argument: str
    kind: str
    required: bool = False


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """`path`: a template. `tool`: as it is listed."""

    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    tool: JsonObject


class Operations(msgspec.Struct, frozen=True):
    """`left_out`: by method and path, why."""

    by_name: Mapping[str, Operation]
    left_out: Mapping[str, str]


def read_operations(document: JsonObject, given: frozenset[tuple[str, str]] = frozenset()) -> Operations:
    """`given`: parameters that are no arguments, because the gateway says them itself: (where, name in lower case)."""
    found, left_out = list(_found(document)), {}
    names = Counter(_name(method, path, said) for method, path, said, _ in found)
    by_name: dict[str, Operation] = {}
    for method, path, said, shared in found:
        where = f"{method.upper()} {path}"
        if len(by_name) >= OPERATIONS_MAX:
            left_out[where] = f"there are more than {OPERATIONS_MAX} operations"
            continue
        name = _name(method, path, said)
        if names[name] > 1 or len(name) > NAME_MAX:
            mark = hashlib.sha256(where.encode()).hexdigest()[:6]
            name = f"{name[: NAME_MAX - 7]}_{mark}"
        try:
            schemas = Schemas(document)
            specs = _parameters(shared, said, schemas, given)
            by_name[name] = _operation(name, method, path, said, specs, schemas)
        except TooMuch as error:
            left_out[where] = str(error)
    return Operations(by_name, left_out)


def _found(document: JsonObject) -> Iterator[tuple[str, str, JsonObject, list[Json]]]:
    for path, item in document["paths"].items():
        try:
            item = Schemas(document).followed(item)
        except TooMuch:
            continue
        if not isinstance(item, dict) or not path.startswith("/"):
            continue
        for method in METHODS:
            if isinstance(item.get(method), dict):
                yield method, path, item[method], _list(item.get("parameters"))


def _name(method: str, path: str, said: JsonObject) -> str:
    given = said.get("operationId")
    name = _INVALID.sub("_", given).strip("_") if isinstance(given, str) else ""
    return name or f"{method}_{_INVALID.sub('_', path).strip('_')}".rstrip("_")


def _operation(
    name: str, method: str, path: str, said: JsonObject, specs: list[JsonObject], schemas: Schemas
) -> Operation:
    """Raises TooMuch."""
    properties: JsonObject = {}
    required: list[str] = []
    parameters: list[Parameter] = []
    for spec in specs:
        parameter, told_of_it = _parameter(spec, properties, schemas)
        properties[parameter.argument] = told_of_it
        parameters.append(parameter)
        if parameter.required:
            required.append(parameter.argument)
    body = _body(said.get("requestBody"), properties, schemas)
    if body is not None and body.required:
        required.append(body.argument)
    in_path = {one.name for one in parameters if one.place == "path"}
    missing = sorted(set(re.findall(r"\{([^{}]*)\}", path)) - in_path)
    if missing:
        raise TooMuch(f"its path names {missing[0]!r}, which is no parameter")
    schema: JsonObject = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    summary, description = said.get("summary"), said.get("description")
    told = "\n\n".join(dict.fromkeys(text.strip() for text in (summary, description) if isinstance(text, str) and text))
    tool: JsonObject = {
        "name": name,
        "description": told[:DESCRIPTION_MAX] or f"{method.upper()} {path}",
        "inputSchema": schema,
        "annotations": {
            "readOnlyHint": method in ("get", "head", "options"),
            "destructiveHint": method == "delete",
            "idempotentHint": method != "post" and method != "patch",
        },
    }
    if isinstance(summary, str) and summary:
        tool["title"] = summary[:200]
    return Operation(name=name, method=method.upper(), path=path, parameters=tuple(parameters), body=body, tool=tool)


def _parameters(
    shared: list[Json], said: JsonObject, schemas: Schemas, given: frozenset[tuple[str, str]]
) -> list[JsonObject]:
    """The operation's own in the place of those of its path. Raises TooMuch."""
    found: dict[tuple[str, str], JsonObject] = {}
    for one in (*shared, *_list(said.get("parameters"))):
        spec = schemas.followed(one)
        if not isinstance(spec, dict) or not isinstance(spec.get("name"), str) or spec.get("in") not in PLACES:
            continue
        name, place = spec["name"], spec["in"]
        lower = name.lower()
        if (place, lower) in given or (place == "header" and lower in IGNORED_HEADERS | OUR_HEADERS):
            continue
        if place == "header" and _TOKEN.fullmatch(name) is None:
            raise TooMuch(f"{name[:100]!r} is no name of a header")
        found[name, place] = spec
    return list(found.values())


def _parameter(spec: JsonObject, taken: JsonObject, schemas: Schemas) -> tuple[Parameter, JsonObject]:
    name, place = spec["name"], spec["in"]
    argument = name if name not in taken else f"{name}_{place}"
    if argument in taken:
        raise TooMuch(f"two parameters are called {argument[:100]!r}")
    content = spec.get("content")
    kinds = list(content.values()) if isinstance(content, dict) else []
    said = kinds[0].get("schema") if kinds and isinstance(kinds[0], dict) else spec.get("schema", {})
    schema = schemas.read(said)
    told = {**schema} if isinstance(schema, dict) else {}
    if isinstance(spec.get("description"), str):
        told["description"] = spec["description"]
    style = spec.get("style", _STYLES[place])
    if style not in _KNOWN[place]:
        raise TooMuch(f"the style {str(style)[:50]!r} of {name[:100]!r} is not known")
    explode = spec.get("explode")
    parameter = Parameter(
        name=name,
        argument=argument,
        place=place,
        style=style,
        explode=explode if isinstance(explode, bool) else style in ("form", "deepObject"),
        required=place == "path" or spec.get("required") is True,
        json=bool(kinds),
        segments=place == "path" and (spec.get("x-multi-segment") is True or spec.get("allowReserved") is True),
    )
    return parameter, told


def _body(said: Json, taken: JsonObject, schemas: Schemas) -> Body | None:
    said = schemas.followed(said)
    content = said.get("content") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(content, dict) or not content:
        return None
    kind, media = _chosen(content)
    argument = "body" if "body" not in taken else "request_body"
    if argument in taken:
        raise TooMuch("there is no name left for its body")
    schema = schemas.read(media.get("schema", {}) if isinstance(media, dict) else {})
    told = {**schema} if isinstance(schema, dict) else {}
    if isinstance(said.get("description"), str) and said["description"]:
        told.setdefault("description", said["description"])
    taken[argument] = told
    return Body(argument=argument, kind=JSON_TYPE if kind == "*/*" else kind, required=said.get("required") is True)


def _chosen(content: JsonObject) -> tuple[str, Json]:
    """Of several kinds the one that says the most; any other that is text or JSON. Raises TooMuch."""
    kinds = {kind.split(";")[0].strip().lower(): media for kind, media in content.items()}
    for kind in BODIES:
        if kind in kinds:
            return kind, kinds[kind]
    for kind, media in kinds.items():
        if is_json(kind) or kind.startswith("text/"):
            return kind, media
    raise TooMuch(f"its body is {next(iter(kinds))[:100]}, which is not sent")


def is_json(kind: str) -> bool:
    return kind == JSON_TYPE or kind.endswith("+json")


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
