"""A pydantic class as a strict JSON schema."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field

import tollbridge
from tests.server.clouds import Told, cloud
from tollbridge.sdk.schemas import response_format, strict_schema


class City(BaseModel):
    name: str
    default: int = 3  # a field that is called like a word of the schema


class Trip(BaseModel):
    start: City = Field(description="where from")
    end: City | None = None
    stops: list[City] = []


class Node(BaseModel):
    child: Node | None = Field(None, description="below")
    next: Node = Field(description="beside")


def _objects(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for item in schema for found in _objects(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" else []
    return own + [found for value in schema.values() for found in _objects(value)]


@pytest.mark.parametrize("model", [City, Trip, Node])
def test_every_object_is_closed_and_requires_all_it_has(model: type[BaseModel]) -> None:
    written = response_format(model)
    assert isinstance(written, dict)
    assert (written["type"], written["json_schema"]["name"], written["json_schema"]["strict"]) == (
        "json_schema",
        model.__name__,
        True,
    )
    objects = _objects(written["json_schema"]["schema"])
    assert objects
    for schema in objects:
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])


@pytest.mark.usefixtures("no_keys")
@pytest.mark.parametrize("model", ["openai/gpt-5", "anthropic/claude-sonnet-4-5"])
def test_a_class_is_the_format_of_a_response_too(model: str) -> None:
    said = {"api_key": "k", "text": {"verbosity": "low"}, "num_retries": 0, "drop_params": True}
    with cloud(lambda _: Told({"error": {"message": "seen"}}, 400)) as place:
        for wanted in (City, response_format(City)):
            with pytest.raises(tollbridge.BadRequestError, match="seen"):
                tollbridge.responses(model, "Where?", text_format=wanted, api_base=place.url, **said)
        first, second = (one.json() for one in place.asked)
    assert first == second
    written = response_format(City)
    assert isinstance(written, dict)
    schema = written["json_schema"]["schema"]
    if "text" in first:
        assert first["text"] == {
            "verbosity": "low",
            "format": {"type": "json_schema", "name": "City", "schema": schema, "strict": True},
        }
    else:
        assert first["output_config"]["format"]["schema"] == schema


def test_a_text_format_is_said_once_and_is_a_format() -> None:
    for said in ({"text_format": City, "text": {"format": {"type": "text"}}}, {"text_format": 3}):
        with pytest.raises(tollbridge.BadRequestError, match="text_format"):
            tollbridge.responses("demo/x", "Where?", **said)


def test_nothing_stands_beside_a_reference_and_defaults_are_gone() -> None:
    schema = strict_schema(Trip.model_json_schema())
    start = schema["properties"]["start"]
    assert start["description"] == "where from"
    assert list(start["properties"]) == ["name", "default"]
    assert "default" not in schema["properties"]["stops"]
    assert "default" not in start["properties"]["default"]


def test_the_class_itself_is_not_changed() -> None:
    before = Trip.model_json_schema()
    strict_schema(before)
    assert before == Trip.model_json_schema()


def test_a_type_that_holds_itself_ends() -> None:
    assert strict_schema(Node.model_json_schema())["$defs"]["Node"]["required"] == ["child", "next"]


def test_what_is_no_class_stays() -> None:
    for value in ({"type": "json_object"}, "text", City(name="x"), int):
        assert response_format(value) is value
