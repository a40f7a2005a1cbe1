"""The normal forms of Gemini's format: every difference that the laws forgive here."""

from __future__ import annotations

from typing import Any

from tests.wires.laws import NormalForm
from tollbridge.wires.gemini.vocabulary import fields

# What stands under these is nobody's field.
_NOT_OURS = frozenset(
    ("args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "labels")
)


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: held if key in _NOT_OURS else _camel(held) for key, held in fields(value).items()}


FORMS = (
    NormalForm(
        "camel_case",
        "the servers take a field in snake_case for the one in camelCase, which is written",
        request=_camel,
    ),
)
