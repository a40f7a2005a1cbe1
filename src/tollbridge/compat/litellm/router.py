"""`litellm.Router`: ours, whose calls are told to the module's callbacks and counted against its budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tollbridge
from tollbridge.compat.litellm.calls import awaited, waited


class Router(tollbridge.Router):
    """Settings of the module that say who answers (`litellm.api_key`, ...) do not reach a router's deployments."""

    async def acompletion(self, model: str, messages: Iterable[Any], **parameters: Any) -> Any:
        return await awaited(super().acompletion, "acompletion", reads_settings=False)(model, messages, **parameters)

    def completion(self, model: str, messages: Iterable[Any], **parameters: Any) -> Any:
        return waited(super().completion, "completion", reads_settings=False)(model, messages, **parameters)

    async def aembedding(self, model: str, input: Any, **parameters: Any) -> Any:
        return await awaited(super().aembedding, "aembedding", reads_settings=False)(model, input, **parameters)

    def embedding(self, model: str, input: Any, **parameters: Any) -> Any:
        return waited(super().embedding, "embedding", reads_settings=False)(model, input, **parameters)
