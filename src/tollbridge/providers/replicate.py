"""Replicate: where a model is asked for a prediction.

    owner/name                     /v1/models/owner/name/predictions            an official model
    owner/name:VERSION, VERSION    /v1/predictions, with `version` in the body  a community model, at one version
    deployments/owner/name         /v1/deployments/owner/name/predictions       one's own deployment

Source: https://replicate.com/docs/topics/predictions/create-a-prediction (seen 2026-11-26).
"""

from __future__ import annotations

import re
from urllib.parse import quote

from tollbridge.errors import BadRequestError
from tollbridge.model.json import JsonObject
from tollbridge.providers.address import join
from tollbridge.providers.row import Place
from tollbridge.providers.said import Said

_VERSION = re.compile(r"(?:(?P<model>[^:/]+/[^:/]+):)?(?P<version>[0-9a-f]{64})")
_MODEL = re.compile(r"(?P<deployments>deployments/)?(?P<model>(?!deployments/)[^/:]+/[^/:]+)")


def replicate_place(said: Said, model: str) -> Place:
    """Raises BadRequestError, the operator's, for what is no name of a model there."""
    pinned = _VERSION.fullmatch(model)
    if pinned:
        return _place(said, pinned["model"] or model, "", {"version": pinned["version"]})
    named = _MODEL.fullmatch(model)
    if named is None:
        raise BadRequestError(
            f"{said.provider}: a model is named `owner/name`, `owner/name:VERSION` or `deployments/owner/name`; "
            f"{model!r} is none of these.",
            param="model",
            provider=said.provider,
            fault="operator",
        )
    kind = "deployments" if named["deployments"] else "models"
    return _place(said, named["model"], f"/{kind}/{quote(named['model'])}", {})


def _place(said: Said, model: str, within: str, body: JsonObject) -> Place:
    root = said.base.path.removesuffix("/v1")
    return Place(model=model, path=join(root, f"/v1{within}/predictions"), body=body)
