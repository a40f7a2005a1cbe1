"""Operations as tools: their names, one schema for all that is sent, and documents that want to be a burden."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.mcp.fixtures.api import DOCUMENT
from tollbridge.mcp.openapi.document import NoDocument, base_of, key_of, read_document
from tollbridge.mcp.openapi.operations import Operations, read_operations
from tollbridge.mcp.openapi.yaml_document import NoYaml, read_yaml

STRING = {"type": "string"}


def read(**paths: Any) -> Operations:
    return read_operations({"openapi": "3.1.0", "paths": {f"/{path}": item for path, item in paths.items()}})


def test_each_operation_is_a_tool() -> None:
    found = read_operations(read_document(json.dumps(DOCUMENT).encode()), frozenset({("query", "api_key")}))
    assert list(found.by_name) == [
        *("listPets", "createPet", "get_pet", "deletePet", "getFile", "answer", "get_no_id"),
    ]
    assert found.left_out == {"GET /away": "it refers to another document"}
    tools = {name: one.tool for name, one in found.by_name.items()}
    assert tools["listPets"]["inputSchema"] == {
        "type": "object",
        "properties": {"limit": {"type": "integer"}, "tags": {"type": "array", "items": STRING}, "X-Trace": STRING},
        "additionalProperties": False,
    }
    assert tools["createPet"]["inputSchema"] == {
        "type": "object",
        "properties": {
            "body": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": ["string", "null"]},
                    "tags": {"type": "array", "items": STRING},
                    "parent": {"type": "object"},
                },
            }
        },
        "required": ["body"],
        "additionalProperties": False,
    }
    assert tools["deletePet"]["inputSchema"]["properties"] == {
        "id": STRING,
        "id_query": {**STRING, "description": "The second one"},
    }
    assert tools["deletePet"]["annotations"] == {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True}
    assert tools["listPets"]["annotations"]["readOnlyHint"]
    assert tools["listPets"]["title"] == "Does listPets"
    assert tools["get_no_id"]["description"] == "GET /no/id"


def test_names_are_valid_unlike_and_the_same_in_any_order() -> None:
    paths = {
        "a": {"get": {"operationId": "do it!"}, "post": {"operationId": "do it?"}},
        "b": {"get": {"operationId": "x" * 100}, "put": {}},
        "c/{é}": {"get": {"parameters": [{"name": "é", "in": "path", "schema": {}}]}},
    }
    forth, back = read(**paths), read(**dict(reversed(paths.items())))
    assert {name: one.path for name, one in forth.by_name.items()} == {
        name: one.path for name, one in back.by_name.items()
    }
    assert len(forth.by_name) == 5
    assert all(len(name) <= 64 and name.isascii() and " " not in name for name in forth.by_name)
    assert sum(name.startswith("do_it_") for name in forth.by_name) == 2
    assert "put_b" in forth.by_name


def test_words_of_3_0_become_json_schemas() -> None:
    schema = {
        "type": "integer",
        "nullable": True,
        "enum": [1, 2],
        "minimum": 0,
        "exclusiveMinimum": True,
        "maximum": 9,
        "exclusiveMaximum": False,
        "example": 1,
        "xml": {},
        "x-vendor": 1,
    }
    one = read(a={"get": {"parameters": [{"name": "n", "in": "query", "schema": schema}]}}).by_name["get_a"]
    assert one.tool["inputSchema"]["properties"]["n"] == {
        "type": ["integer", "null"],
        "enum": [1, 2, None],
        "exclusiveMinimum": 0,
        "maximum": 9,
        "examples": [1],
    }


def _bomb(**schemas: Any) -> dict[str, Any]:
    good = {"get": {"operationId": "good"}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/a0"}}}}
    bad = {"post": {"operationId": "bad", "requestBody": body}}
    return {"openapi": "3.1.0", "components": {"schemas": schemas}, "paths": {"/good": good, "/bad": bad}}


def _doubling() -> dict[str, Any]:
    """Each is twice the next: 2**60 parts."""
    return {
        f"a{number}": {
            "type": "object",
            "properties": {name: {"$ref": f"#/components/schemas/a{number + 1}"} for name in "xy"},
        }
        for number in range(60)
    } | {"a60": STRING}


def _deep() -> dict[str, Any]:
    schema: dict[str, Any] = STRING
    for _ in range(300):
        schema = {"type": "array", "items": schema}
    return {"a0": schema}


@pytest.mark.parametrize(
    "schemas",
    [
        _doubling(),
        _deep(),
        {"a0": {"properties": {f"p{number}": STRING for number in range(20_000)}}},
        {"a0": {"enum": list(range(20_000))}},
        {"a0": {"$ref": "#/components/schemas/nobody"}},
        {"a0": {"$ref": "file:///etc/passwd"}},
        {"a0": {"$ref": "other.yaml#/a"}},
    ],
    ids=["doubling", "deep", "wide", "long", "nowhere", "file", "elsewhere"],
)
def test_a_schema_that_is_a_bomb_is_left_out_and_the_rest_is_there(schemas: dict[str, Any]) -> None:
    began = time.process_time()
    found = read_operations(_bomb(**schemas))
    assert time.process_time() - began < 5
    assert list(found.by_name) == ["good"]
    assert list(found.left_out) == ["POST /bad"]


def test_schemas_that_come_to_themselves_again_end_there() -> None:
    node = {"type": "object", "title": "Node", "properties": {"next": {"$ref": "#/components/schemas/a0"}, "v": STRING}}
    found = read_operations(_bomb(a0=node))
    assert found.by_name["bad"].tool["inputSchema"]["properties"]["body"]["properties"] == {
        "next": {"type": "object", "title": "Node"},
        "v": STRING,
    }
    ring = {"a0": {"$ref": "#/components/schemas/b"}, "b": {"$ref": "#/components/schemas/a0"}}
    assert "bad" in read_operations(_bomb(**ring)).by_name


YAML = b"""
openapi: 3.1.0
info: {title: Switch, version: 2026-01-01}
servers: [{url: "https://api.example.com/v2/"}]
paths:
  /on:
    get:
      operationId: on
      parameters:
        - {name: on, in: query, schema: {type: string, enum: [on, off, yes, 2026-01-01], default: off}}
      responses: {200: {description: fine}}
"""


def test_yaml_is_read_as_it_is_meant() -> None:
    document = read_document(YAML)
    assert base_of(document) == "https://api.example.com/v2/"
    schema = read_operations(document).by_name["on"].tool["inputSchema"]["properties"]["on"]
    assert schema == {"type": "string", "enum": ["on", "off", "yes", "2026-01-01"], "default": "off"}
    json.dumps(document)


def test_values_of_yaml_are_those_of_json() -> None:
    text = """
      a: [1, -2, 0, 1.5, 1e3, .5, true, False, null, ~, "1", 'true',
        yes, 0x10, 1_000, 2026-01-01, 12:30, <<, "", 1.2.3, 007]
      b: {<<: {x: 1, y: 2}, y: 3, 200: ok, true: b, null: c}
      c: |
        two
        lines
      d: >-
        one
        line
      e:
      f: !!str 7
    """
    assert read_yaml(text.encode()) == {
        "a": [
            *(1, -2, 0, 1.5, 1000.0, 0.5, True, False, None, None, "1", "true", "yes", "0x10", "1_000"),
            *("2026-01-01", "12:30", "<<", "", "1.2.3", "007"),
        ],
        "b": {"x": 1, "y": 3, "200": "ok", "true": "b", "null": "c"},
        "c": "two\nlines\n",
        "d": "one line",
        "e": None,
        "f": "7",
    }
    for wrong in (b"a: *nobody", b"? [a]\n: b", b"a: [", b"[" * 1000):
        with pytest.raises(NoYaml):
            read_yaml(wrong)


def test_yaml_that_says_much_in_little_is_left_out_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    laughs = "\n  ".join(lines)
    text = (
        f"openapi: 3.1.0\nx-all:\n  {laughs}\npaths:\n  /x:\n    get:\n      operationId: x\n      parameters:\n"
        "        - {name: a, in: query, schema: {enum: *a29}}\n    put: {operationId: good}\n"
    )
    began = time.process_time()
    found = read_operations(read_document(text.encode()))
    assert time.process_time() - began < 5
    assert list(found.by_name) == ["good"]
    assert list(read_operations(read_document(b"openapi: 3.1.0\npaths: &p\n  /x: {get: *p}\n")).by_name) == ["get_x"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no object"),
        (b"[]", "no object"),
        (b"{", "neither JSON nor YAML"),
        (b"\xff\xfe", "neither|no object"),
        (b"[" * 100_000, "neither"),
        (b'{"openapi": "2.0", "paths": {}}', "does not say"),
        (b'{"paths": {}}', "does not say"),
        (b'{"openapi": "3.1.0"}', "no `paths`"),
        (b"!!python/object/apply:os.system [id]", "no object"),
        (b" " * (17 * 2**20), "larger"),
    ],
)
def test_what_is_no_document_is_told(data: bytes, why: str) -> None:
    with pytest.raises(NoDocument, match=why):
        read_document(data)


SWAGGER = {
    "swagger": "2.0",
    "host": "petstore.example",
    "basePath": "/v2",
    "schemes": ["http", "https"],
    "consumes": ["application/json"],
    "definitions": {"Pet": {"type": "object", "properties": {"name": STRING}}},
    "parameters": {"Pet": {"name": "pet", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Pet"}}},
    "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "X-Pets"}},
    "paths": {
        "/pets": {
            "post": {"operationId": "add", "parameters": [{"$ref": "#/parameters/Pet"}]},
            "get": {
                "operationId": "find",
                "parameters": [
                    {"name": "tags", "in": "query", "type": "array", "items": STRING, "collectionFormat": "multi"},
                    {"name": "ids", "in": "query", "type": "array", "items": {"type": "integer"}},
                ],
            },
        },
        "/photos": {
            "post": {
                "operationId": "upload",
                "parameters": [
                    {"name": "note", "in": "formData", "type": "string", "required": True},
                    {"name": "photo", "in": "formData", "type": "file"},
                ],
            }
        },
    },
}


def test_swagger_is_read_too() -> None:
    document = read_document(json.dumps(SWAGGER).encode())
    assert base_of(document) == "https://petstore.example/v2"
    assert key_of(document) == ("header", "X-Pets")
    found = read_operations(document).by_name
    add = found["add"].tool["inputSchema"]
    assert add["properties"] == {"body": {"type": "object", "properties": {"name": STRING}}}
    assert add["required"] == ["body"]
    assert [(one.name, one.style, one.explode) for one in found["find"].parameters] == [
        ("tags", "form", True),
        ("ids", "form", False),
    ]
    upload = found["upload"]
    assert upload.body is not None
    assert upload.body.kind == "multipart/form-data"
    assert upload.tool["inputSchema"]["properties"]["body"]["required"] == ["note"]
