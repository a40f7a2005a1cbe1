"""Errors: AWS's own, with an HTTP status or as an exception inside a stream (`wires.aws_errors`)."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.errors import APIError
from tollbridge.model.json import Json
from tollbridge.wires import aws_errors
from tollbridge.wires.bedrock_converse.vocabulary import NAME


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> APIError:
    return aws_errors.read_error(status, headers, body, NAME)


def error_in_stream(said: Json) -> APIError:
    return aws_errors.error_in_stream(said, NAME)
