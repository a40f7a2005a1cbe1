"""Arguments as requests: every style of the specification, and nothing that leads elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.mcp.openapi.operations import Operation, read_operations
from tollbridge.mcp.openapi.requests import Unfit, build

ARRAY = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}


def operation(path: str, *parameters: dict[str, Any], method: str = "get", **more: Any) -> Operation:
    said = {"operationId": "one", "parameters": list(parameters), **more}
    (found,) = read_operations({"openapi": "3.1.0", "paths": {path: {method: said}}}).by_name.values()
    return found


def parameter(place: str, style: str, explode: bool, **more: Any) -> dict[str, Any]:
    return {"name": "color", "in": place, "style": style, "explode": explode, "required": True, "schema": {}, **more}


@pytest.mark.parametrize(
    ("place", "style", "explode", "value", "sent"),
    [  # the specification's own table: 3.1.1, 4.8.12.4
        ("path", "matrix", False, "blue", ";color=blue"),
        ("path", "matrix", False, ARRAY, ";color=blue,black,brown"),
        ("path", "matrix", False, OBJECT, ";color=R,100,G,200,B,150"),
        ("path", "matrix", True, ARRAY, ";color=blue;color=black;color=brown"),
        ("path", "matrix", True, OBJECT, ";R=100;G=200;B=150"),
        ("path", "label", False, "blue", ".blue"),
        ("path", "label", False, ARRAY, ".blue,black,brown"),
        ("path", "label", True, ARRAY, ".blue.black.brown"),
        ("path", "label", False, OBJECT, ".R,100,G,200,B,150"),
        ("path", "label", True, OBJECT, ".R=100.G=200.B=150"),
        ("path", "simple", False, "blue", "blue"),
        ("path", "simple", False, ARRAY, "blue,black,brown"),
        ("path", "simple", False, OBJECT, "R,100,G,200,B,150"),
        ("path", "simple", True, OBJECT, "R=100,G=200,B=150"),
        ("query", "form", False, "blue", "color=blue"),
        ("query", "form", False, "", "color="),
        ("query", "form", False, ARRAY, "color=blue,black,brown"),
        ("query", "form", True, ARRAY, "color=blue&color=black&color=brown"),
        ("query", "form", False, OBJECT, "color=R,100,G,200,B,150"),
        ("query", "form", True, OBJECT, "R=100&G=200&B=150"),
        ("query", "spaceDelimited", False, ARRAY, "color=blue%20black%20brown"),
        ("query", "pipeDelimited", False, ARRAY, "color=blue%7Cblack%7Cbrown"),
        ("query", "deepObject", True, OBJECT, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
        ("query", "form", True, True, "color=true"),
        ("query", "form", True, 3.0, "color=3"),
        ("query", "form", True, 2.5, "color=2.5"),
        ("query", "form", True, "a&b=c#d/ü", "color=a%26b%3Dc%23d%2F%C3%BC"),
        ("query", "form", True, {"a&b": "c&d"}, "a%26b=c%26d"),
    ],
)
def test_parameters_are_spelled_as_the_specification_has_it(
    place: str, style: str, explode: bool, value: Any, sent: str
) -> None:
    one = operation("/x/{color}" if place == "path" else "/x", parameter(place, style, explode))
    target = build(one, {"color": value}).target
    assert target == (f"/x/{sent}" if place == "path" else f"/x?{sent}")


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            ".",
            "..",
            "a/b",
            "../x",
            "..\\x",
            "%2e%2e",
            "%2F",
            "a%2Fb",
            "%252e%252e%252f",
            "\x00",
            "a\r\nb",
            "\u202e",
        ),
        *("..;x", ["a", "../b"], [".."], {"../a": "b"}, {"a": "/"}, [], ["", ""]),
    ],
)
@pytest.mark.parametrize("style", ["simple", "label", "matrix"])
def test_a_value_leads_to_no_other_path(value: Any, style: str) -> None:
    one = operation("/x/{color}/y", parameter("path", style, False))
    try:
        target = build(one, {"color": value}).target
    except Unfit:
        return
    assert style != "simple"  # a dot before it, or a name, is another segment than `..`
    segments = target.split("/")
    assert len(segments) == 4
    assert segments[2] not in ("", ".", "..")


def test_a_value_is_several_parts_of_a_path_where_the_document_says_so() -> None:
    one = operation("/x/{color}", parameter("path", "simple", False, **{"x-multi-segment": True}))
    assert build(one, {"color": "src/a b.py"}).target == "/x/src/a%20b.py"
    for value in ("", "/etc", "a//b", "a/../b", "..", "a/.", "a/%2e%2e/b", "a/%2Fb", "a\\b", "a/"):
        with pytest.raises(Unfit):
            build(one, {"color": value})


def test_values_beside_each_other_lead_to_no_other_path_either() -> None:
    pair = [{"name": name, "in": "path", "required": True, "schema": {}} for name in ("a", "b")]
    one = operation("/x/{a}{b}/y", *pair)
    with pytest.raises(Unfit, match="leads elsewhere"):
        build(one, {"a": ".", "b": "."})
    assert build(one, {"a": "{b}", "b": "1"}).target == "/x/%7Bb%7D1/y"


@pytest.mark.parametrize("value", ["a\r\nx-other: b", "a\nb", "ü", "a\x00"])
def test_a_value_is_no_other_header(value: str) -> None:
    one = operation("/x", {"name": "X-One", "in": "header", "schema": {}})
    with pytest.raises(Unfit, match="printable ASCII"):
        build(one, {"X-One": value})


@pytest.mark.parametrize(
    "name", ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Cookie", "Authorization", "X-API-Key"]
)
def test_headers_that_are_not_the_callers_are_no_arguments(name: str) -> None:
    one = operation("/x", {"name": name, "in": "header", "schema": {}, "required": True})
    assert one.tool["inputSchema"]["properties"] == {}
    with pytest.raises(Unfit, match="no argument"):
        build(one, {name: "x"})


def test_headers_and_cookies_are_said_as_they_are_named() -> None:
    one = operation(
        "/x",
        {"name": "X-List", "in": "header", "schema": {}},
        {"name": "session", "in": "cookie", "schema": {}},
        {"name": "filter", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}},
    )
    request = build(one, {"X-List": ["a", 1], "session": "a; b=c", "filter": {"a": [1]}})
    assert request.headers == (("x-list", "a,1"), ("cookie", "session=a%3B%20b%3Dc"))
    assert request.target == "/x?filter=%7B%22a%22%3A%5B1%5D%7D"


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        ("application/json", {"a": [1, None]}, b'{"a":[1,null]}'),
        ("application/json", [1], b"[1]"),
        ("application/merge-patch+json", {"a": None}, b'{"a":null}'),
        ("application/x-www-form-urlencoded", {"a": "b&c", "d": [1, 2], "e": None}, b"a=b%26c&d=1&d=2"),
        ("text/plain", "hello", b"hello"),
    ],
)
def test_bodies_are_written_as_their_type_wants_them(kind: str, value: Any, sent: bytes) -> None:
    one = operation("/x", method="post", requestBody={"content": {kind: {"schema": {}}}})
    request = build(one, {"body": value})
    assert request.body == sent
    assert dict(request.headers)["content-type"].startswith(kind)


def test_a_form_in_parts_holds_nothing_but_its_fields() -> None:
    one = operation("/x", method="post", requestBody={"content": {"multipart/form-data": {"schema": {}}}})
    request = build(one, {"body": {'a"\r\nb': "c\r\n--x"}})
    boundary = dict(request.headers)["content-type"].partition("boundary=")[2].encode()
    assert request.body.count(b"--" + boundary) == 2
    assert b'name="a%22%0D%0Ab"\r\n\r\nc\r\n--x\r\n' in request.body


def test_what_is_missing_or_unknown_is_refused() -> None:
    one = operation(
        "/x", parameter("query", "form", True), requestBody={"required": True, "content": {"text/plain": {}}}
    )
    with pytest.raises(Unfit, match="'color' is missing"):
        build(one, {"body": "x"})
    with pytest.raises(Unfit, match="'body' is missing"):
        build(one, {"color": None, "body": None} | {"color": "x"})
    with pytest.raises(Unfit, match="no argument 'other'"):
        build(one, {"color": "x", "body": "x", "other": 1})
