"""Vertex AI: a model's place by project and location, and the format that its maker gave it there.

    gemini-*                   publishers/google/models/M:generateContent, :streamGenerateContent     gemini
    claude-*                   publishers/anthropic/models/M:rawPredict, :streamRawPredict            anthropic_messages
    mistral-*, codestral-*     publishers/mistralai/models/M:rawPredict, :streamRawPredict            openai_chat
    jamba-*                    publishers/ai21/models/M:rawPredict, :streamRawPredict                 openai_chat
    openai/NUMBER              endpoints/NUMBER/chat/completions, a model deployed by oneself         openai_chat
    everything else            endpoints/openapi/chat/completions, as `publisher/model`               openai_chat

all below /v1/projects/PROJECT/locations/LOCATION. The host follows the location. With an API key and no project it is
Vertex's express mode, which knows Gemini alone and neither project nor location.

Sources: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference,
.../docs/partner-models/claude/use-claude, .../docs/partner-models/mistral, .../docs/migrate/openai/overview,
.../docs/learn/locations (seen 2026-11-26), and recorded exchanges.
"""

from __future__ import annotations

import re
from urllib.parse import quote

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.providers.address import Base
from tollbridge.providers.row import Provider

LOCATION_DEFAULT = "us-central1"
PROJECT = ("VERTEXAI_PROJECT", "VERTEX_PROJECT", "GOOGLE_CLOUD_PROJECT")
LOCATION = ("VERTEXAI_LOCATION", "VERTEX_LOCATION", "GOOGLE_CLOUD_LOCATION")
CREDENTIALS = ("VERTEXAI_CREDENTIALS", "VERTEX_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS")

WANTS = {"vertex_project": PROJECT, "vertex_location": LOCATION, "vertex_credentials": CREDENTIALS}
ADDRESS = "https://{vertex_location}-aiplatform.googleapis.com"

_NAME = re.compile(r"[A-Za-z0-9:._-]+")
MISTRAL = re.compile(r"(?:mistralai/)?(?:mistral|codestral|ministral)-")
_RAW: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("anthropic", re.compile("claude")),
    ("mistralai", MISTRAL),
    ("ai21", re.compile("(?:ai21/)?jamba-")),
)
_DEPLOYED = re.compile(r"openai/(\d+)")
_MULTI_REGIONS = frozenset(("us", "eu"))


class Place(msgspec.Struct, frozen=True):
    """`project` is "" in express mode."""

    project: str
    location: str


class Targets(msgspec.Struct, frozen=True):
    path: str
    stream_path: str
    count_path: str | None = None


def place(project: str | None, location: str | None, *, has_key: bool) -> Place:
    """Raises BadRequestError, the operator's fault, where there is no project or a name that no URL has."""
    if not project and not has_key:
        raise BadRequestError(
            f"vertex_ai needs a project: pass `vertex_project`, or set {' or '.join(PROJECT)}.",
            param="vertex_project",
            provider="vertex_ai",
            fault="operator",
        )
    found = Place(project or "", location or LOCATION_DEFAULT)
    for name, value in (("vertex_project", found.project or "express"), ("vertex_location", found.location)):
        if not _NAME.fullmatch(value):
            raise BadRequestError(
                f"vertex_ai: `{name}` holds characters that no such name has.",
                param=name,
                provider="vertex_ai",
                fault="operator",
            )
    return found


def own_base(where: Place) -> Base:
    location = where.location
    if location == "global" or not where.project:
        host = "aiplatform.googleapis.com"
    elif location in _MULTI_REGIONS:
        host = f"aiplatform.{location}.rep.googleapis.com"
    else:
        host = f"{location}-aiplatform.googleapis.com"
    return Base("https", host, 443, "")


def row_for(row: Provider, model: str) -> Provider:
    """The row with the format of the model's maker."""
    if model.startswith("gemini") or model.isdecimal():
        return row
    wire = "anthropic_messages" if model.startswith("claude") else "openai_chat"
    return msgspec.structs.replace(row, wire=wire)


def task_targets(base: Base, where: Place, model: str, verb: str) -> Targets:
    """Of a model of Google's, for a task beside conversations."""
    root = f"{base.path}/v1"
    if where.project:
        root += f"/projects/{where.project}/locations/{where.location}"
    if model.isdecimal():
        path = f"{root}/endpoints/{model}{verb}"
    else:
        path = f"{root}/publishers/google/models/{quote(model, safe='@')}{verb}"
    return Targets(path, path)


def targets(base: Base, where: Place, model: str) -> Targets:
    root = f"{base.path}/v1"
    if where.project:
        root += f"/projects/{where.project}/locations/{where.location}"
    named = quote(model, safe="@")
    if model.startswith("gemini"):
        at = f"{root}/publishers/google/models/{named}"
        return Targets(f"{at}:generateContent", f"{at}:streamGenerateContent?alt=sse", f"{at}:countTokens")
    if model.isdecimal():  # a tuned model, deployed at an endpoint of its own
        at = f"{root}/endpoints/{named}"
        return Targets(f"{at}:generateContent", f"{at}:streamGenerateContent?alt=sse", f"{at}:countTokens")
    publisher = next((maker for maker, names in _RAW if names.match(model)), None)
    if publisher is not None:
        at = f"{root}/publishers/{publisher}/models/{quote(model.removeprefix(f'{publisher}/'), safe='@')}"
        return Targets(f"{at}:rawPredict", f"{at}:streamRawPredict")
    deployed = _DEPLOYED.fullmatch(model)
    if deployed:
        path = f"{root}/endpoints/{deployed[1]}/chat/completions"
        return Targets(path, path)
    path = f"{root}/endpoints/openapi/chat/completions"
    return Targets(path, path)
