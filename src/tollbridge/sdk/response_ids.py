"""Ids of responses that say who keeps them, as LiteLLM's do: in base64 behind `resp_`

    litellm:custom_llm_provider:openai;model_id:DEPLOYMENT;response_id:resp_123

Those of a `Router` are written so; either's are read everywhere.
"""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

from tollbridge.calls.deployment import Deployment
from tollbridge.model.json import JsonObject

PREFIX = "resp_"
_SAID = re.compile(r"litellm:custom_llm_provider:(.*?);model_id:(.*?);response_id:(.+)", re.DOTALL)


class ResponseId(NamedTuple):
    """`id`: the provider's own. `provider`, `deployment`: "" where it does not say."""

    provider: str
    deployment: str
    id: str


def read_id(id: str) -> ResponseId:
    plain = ResponseId("", "", id)
    spelled = id.removeprefix(PREFIX)
    if spelled == id:
        return plain
    try:
        said = base64.b64decode(spelled.replace("-", "+").replace("_", "/") + "=" * (-len(spelled) % 4), validate=True)
        found = _SAID.fullmatch(said.decode())
    except ValueError:  # no base64, no UTF-8, or a text that is not ASCII
        return plain
    if found is None:
        return plain
    provider, deployment, theirs = ("" if one == "None" else one for one in found.groups())
    return ResponseId(provider, deployment, theirs)


def write_id(provider: str, deployment: str, id: str) -> str:
    said = f"litellm:custom_llm_provider:{provider};model_id:{deployment};response_id:{id}"
    return PREFIX + base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def kept_by(told: JsonObject, deployment: Deployment) -> JsonObject:
    """A response, or an event of one, under an id that says which deployment has it."""
    inner = told.get("response")
    if isinstance(inner, dict):
        return {**told, "response": kept_by(inner, deployment)}
    id = told.get("id")
    if told.get("object") != "response" or not isinstance(id, str):
        return told
    return {**told, "id": write_id(deployment.provider, deployment.id, id)}
