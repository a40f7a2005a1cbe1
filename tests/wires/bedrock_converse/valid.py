"""Bedrock's own description of its operations, as botocore has it: what the service takes."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator


@cache
def _model() -> Any:
    return botocore.session.Session().get_service_model("bedrock-runtime")


def faults(body: dict[str, Any], operation: str = "Converse") -> str:
    """What is wrong with a request's body: unknown fields, missing ones, wrong types, two members of one union. Empty
    where nothing is."""
    shape = _model().operation_model(operation).input_shape
    report = ParamValidator().validate({"modelId": "m.m", **body}, shape)
    found = [*_outside(body, shape)]
    return report.generate_report() + "\n".join(found)


def _outside(value: Any, shape: Any, path: str = "$") -> Any:
    """Texts that are not among those of an enumeration, or too long or short: botocore does not look."""
    match shape.type_name:
        case "structure" if not getattr(shape, "is_document_type", False) and isinstance(value, dict):
            for key, item in value.items():
                if key in shape.members:
                    yield from _outside(item, shape.members[key], f"{path}.{key}")
        case "list" if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _outside(item, shape.member, f"{path}[{index}]")
        case "string" if isinstance(value, str):
            if shape.enum and value not in shape.enum:
                yield f"{path}: {value!r} is none of {shape.enum}"
            if not shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", 10**9):
                yield f"{path}: {len(value)} characters"
        case _:
            pass
