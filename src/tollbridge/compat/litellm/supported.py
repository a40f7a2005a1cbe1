"""`get_supported_openai_params`: of a model by its name, wherever it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.supported import supported
from tollbridge.catalog.facts import facts
from tollbridge.compat.litellm.absent import not_built
from tollbridge.errors import NotFoundError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.sdk.whose import located
from tollbridge.secret import Secret

_ADDRESS = "https://nowhere.invalid"
_PLACE: Mapping[str, str] = {"aws_region_name": "us-east-1", "vertex_project": "p", "project_id": "p"}
"""Where a deployment is that nothing is sent to; what else a row's address is made of is `x`."""
_MODES: Mapping[str, str] = {"embeddings": "embedding", "transcription": "audio_transcription"}
"""What a model is for, by LiteLLM's word for a kind of request."""


def get_supported_openai_params(
    model: str, custom_llm_provider: str | None = None, request_type: str = "chat_completion", **_others: Any
) -> list[str] | None:
    """Fields that the model takes of a chat, or of the task that it is for, by its provider's row and its format; None
    where nobody is known for it. Raises BadRequestError for a name that the provider's models cannot have, NotBuilt for
    a kind of request that it is not for."""
    try:
        row, name = located(model, custom_llm_provider)
    except NotFoundError:
        return None
    known = facts(row.name, name)
    if request_type != "chat_completion" and (known is None or known.mode != _MODES.get(request_type)):
        raise not_built(
            f"get_supported_openai_params(request_type={request_type!r})",
            f"{model} is not known as a model for that.",
        )
    return list(_supported(row.name, name))


@lru_cache(maxsize=256)
def _supported(provider: str, model: str) -> tuple[str, ...]:
    return supported(_deployment(provider, model))


def _deployment(provider: str, model: str) -> Deployment:
    row = ROWS[provider]
    holes = {hole.given: "x" for hole in row.holes.values()}
    given = Given(api_key=Secret("k"), api_base=None if row.base_url else _ADDRESS, extra={**holes, **_PLACE})
    return build(Wanted(id=model, group=model, model=model, provider=provider, given=given), {}, ROWS)
