"""Arguments of a tool as one HTTP request of the operation that it stands for.

1. What an argument says stays where it is put. In a path everything is escaped but letters, digits and `-._~`; a value
   that could be read as another path is refused, escaped or not: with a slash or backslash in it, empty, or one that
   makes a segment `.` or `..`. Where the document lets a value be several segments, slashes are let through, and all
   else holds for each. In queries everything is escaped, in headers control characters are refused.
2. Styles are those of the specification (form, simple, label, matrix, deepObject ...), as its table of examples has
   them; null is not said at all.
3. An argument that is missing, or that the tool does not have, is refused: nothing is sent then.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from urllib.parse import quote, unquote

import msgspec

from tollbridge.mcp.openapi.operations import Body, Operation, Parameter, is_json
from tollbridge.mcp.openapi.swagger import FORM, MULTIPART
from tollbridge.model.json import Json, JsonObject

_encode = msgspec.json.Encoder().encode
_DELIMITERS = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}
Pair = tuple[str, str]


class Unfit(ValueError):
    """The arguments make no request. Says why."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`target`: path and query, below the server's own."""

    method: str
    target: str
    headers: tuple[Pair, ...] = ()
    body: bytes = b""


def build(operation: Operation, arguments: JsonObject) -> Request:
    """Raises Unfit."""
    body, known = operation.body, {one.argument for one in operation.parameters}
    if body is not None:
        known.add(body.argument)
    for name in arguments:
        if name not in known:
            raise Unfit(f"There is no argument {name[:100]!r}.")
    path, query, headers, cookies = operation.path, list[str](), list[Pair](), list[str]()
    in_path: dict[str, str] = {}
    for one in operation.parameters:
        value = arguments.get(one.argument)
        if value is None:
            if one.required:
                raise Unfit(f"The argument {one.argument!r} is missing.")
            continue
        match one.place:
            case "path":
                in_path[one.name] = _in_path(one, value)
            case "query":
                query += _in_query(one, value)
            case "header":
                headers.append((one.name.lower(), _in_header(one, value)))
            case _:
                cookies += [f"{quote(one.name, safe='')}={quote(_text(one, value), safe='')}"]
    path = _filled(path, in_path)
    if cookies:
        headers.append(("cookie", "; ".join(cookies)))
    kind, data = (None, b"") if body is None else _body(body, arguments.get(body.argument))
    if kind is not None:
        headers.append(("content-type", kind))
    target = path + ("?" + "&".join(query) if query else "")
    return Request(method=operation.method, target=target, headers=tuple(headers), body=data)


# where parameters stand


def _filled(template: str, values: dict[str, str]) -> str:
    """Each name once, and never in what another put there."""
    filled, rest = "", template
    while rest:
        before, brace, after = rest.partition("{")
        filled += quote(before, safe="/:@!$&'()*+,;=-._~%")
        if not brace:
            break
        name, _, rest = after.partition("}")
        filled += values[name]
    for segment in unquote(unquote(filled)).split("/"):
        if segment.split(";")[0] in (".", ".."):
            raise Unfit("A part of the path is `.` or `..`: that leads elsewhere.")
    return filled


def _in_path(one: Parameter, value: Json) -> str:
    if value in ([], {}):
        raise Unfit(f"The argument {one.argument!r} is a part of a path, and empty.")
    match one.style:
        case "label":
            return "".join(f".{part}" for part in _joined(one, value, "." if one.explode else ","))
        case "matrix":
            return "".join(f";{part}" for part in _named(one, value))
        case _:
            return ",".join(_joined(one, value, ","))


def _joined(one: Parameter, value: Json, between: str) -> list[str]:
    """`[whole]` where the parts are joined by it, else each."""
    parts = list(_parts(one, value))
    return [between.join(parts)] if parts else [""]


def _parts(one: Parameter, value: Json) -> Iterator[str]:
    if isinstance(value, list) and not one.json:
        for item in value:
            yield _escaped(one, item)
    elif isinstance(value, dict) and not one.json:
        for name, item in value.items():
            if one.explode:
                yield f"{_escaped(one, name)}={_escaped(one, item)}"
            else:
                yield _escaped(one, name)
                yield _escaped(one, item)
    else:
        yield _escaped(one, value)


def _named(one: Parameter, value: Json) -> Iterator[str]:
    """`name=value`, as `form` and `matrix` have it."""
    name = quote(one.name, safe="")
    if one.explode and isinstance(value, list) and not one.json:
        for item in value:
            yield f"{name}={_escaped(one, item)}"
    elif one.explode and isinstance(value, dict) and not one.json:
        yield from _parts(one, value)
    else:
        yield f"{name}={','.join(_parts(one, value))}"


def _in_query(one: Parameter, value: Json) -> Iterator[str]:
    name = quote(one.name, safe="")
    if one.style == "deepObject" and isinstance(value, dict):
        yield from _deep(one, name, value)
    elif one.style in _DELIMITERS and isinstance(value, list) and not one.explode:
        yield f"{name}={_DELIMITERS[one.style].join(_parts(one, value))}"
    elif isinstance(value, list) and not value:
        return
    else:
        yield from _named(one, value)


def _deep(one: Parameter, name: str, value: JsonObject) -> Iterator[str]:
    for key, item in value.items():
        inner = f"{name}%5B{quote(key, safe='')}%5D"
        for each in item if isinstance(item, list) else (item,):
            yield f"{inner}={_escaped(one, each)}"


def _in_header(one: Parameter, value: Json) -> str:
    if isinstance(value, list) and not one.json:
        text = ",".join(_text(one, item) for item in value)
    elif isinstance(value, dict) and not one.json:
        between = "=" if one.explode else ","
        text = ",".join(f"{name}{between}{_text(one, item)}" for name, item in value.items())
    else:
        text = _text(one, value)
    if not text.isascii() or not text.isprintable():
        raise Unfit(f"The argument {one.argument!r} is sent in a header, which takes printable ASCII.")
    return text.strip()


def _escaped(one: Parameter, value: Json) -> str:
    text = _text(one, value)
    if one.place == "path":
        parts = text.split("/") if one.segments else [text]
        for plain in (unquote(unquote(part)) for part in parts):
            if not plain or "/" in plain or "\\" in plain or not plain.isprintable():
                raise Unfit(f"The argument {one.argument!r} is a part of a path: it is not empty, and holds no slash.")
    try:
        return quote(text, safe="/" if one.segments else "")
    except UnicodeEncodeError as error:
        raise Unfit(f"The argument {one.argument!r} is no text.") from error


def _text(one: Parameter, value: Json) -> str:
    if isinstance(value, str) and not one.json:
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return _encode(value).decode()


# bodies


def _body(body: Body, value: Json) -> tuple[str | None, bytes]:
    """(its type, itself)."""
    if value is None:
        if body.required:
            raise Unfit(f"The argument {body.argument!r} is missing.")
        return None, b""
    if is_json(body.kind):
        return body.kind, _encode(value)
    if body.kind in (FORM, MULTIPART):
        if not isinstance(value, dict):
            raise Unfit(f"The argument {body.argument!r} is an object.")
        fields = [(name, _field(one)) for name, said in value.items() for one in _several(said) if one is not None]
        if body.kind == FORM:
            return FORM, "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in fields).encode()
        return _multipart(fields)
    return f"{body.kind}; charset=utf-8", (value if isinstance(value, str) else _encode(value).decode()).encode()


def _several(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _field(value: Json) -> str:
    return value if isinstance(value, str) else _encode(value).decode()


def _multipart(fields: list[Pair]) -> tuple[str, bytes]:
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\ncontent-disposition: form-data; name="{_quoted(name)}"\r\n\r\n{text}\r\n'
        for name, text in fields
    ]
    return f"{MULTIPART}; boundary={boundary}", f"{''.join(parts)}--{boundary}--\r\n".encode()


def _quoted(name: str) -> str:
    """As browsers do: what would end the name is escaped."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
