"""`litellm.Router`: ours, whose calls are told to the module's callbacks and counted against its budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import tollbridge
from tollbridge.compat.litellm import custom_llm
from tollbridge.compat.litellm.absent import not_built
from tollbridge.compat.litellm.calls import awaited, settings, waited
from tollbridge.routing.board import RequestBoard
from tollbridge.sdk.router import tags_of


class Router(tollbridge.Router):
    """Settings of the module that say who answers (`litellm.api_key`, ...) do not reach a router's deployments."""

    def _made(self, model_list: Iterable[Mapping[str, Any]]) -> Any:
        listed = list(model_list)
        for entry in listed:
            said = entry.get("litellm_params") or {}
            if custom_llm.found(settings().get("custom_provider_map"), said.get("model"), said) is not None:
                raise not_built("Router of a CustomLLM", "Its handler is asked by the module's `completion` alone.")
        return super()._made(listed)

    async def acompletion(self, model: str, messages: Iterable[Any], **parameters: Any) -> Any:
        return await awaited(super().acompletion, "acompletion", reads_settings=False)(model, messages, **parameters)

    def completion(self, model: str, messages: Iterable[Any], **parameters: Any) -> Any:
        return waited(super().completion, "completion", reads_settings=False)(model, messages, **parameters)

    async def aembedding(self, model: str, input: Any, **parameters: Any) -> Any:
        return await awaited(super().aembedding, "aembedding", reads_settings=False)(model, input, **parameters)

    def embedding(self, model: str, input: Any, **parameters: Any) -> Any:
        return waited(super().embedding, "embedding", reads_settings=False)(model, input, **parameters)

    def get_available_deployment(
        self,
        model: str,
        messages: object = None,
        input: object = None,
        specific_deployment: bool | None = False,
        request_kwargs: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The entry of one that would be asked now. `request_kwargs`: of the call; its tags count, where the router
        goes by tags. Whether `messages` fit is not looked at. Raises APIError where nobody is ready."""
        board = RequestBoard(self._engine.routes)
        members = self._engine.for_tags(board.members(model), tags_of(request_kwargs or {}))
        ready = [one for one in board.ready(model) if one in members]
        if not ready:
            raise board.unavailable(model)
        chosen = board.pick(ready)
        entries = self.get_model_list()
        for entry in entries:
            if entry["model_info"]["id"] == chosen.id:
                return entry
        entry = next(one for one in entries if chosen.id.startswith(f"{one['model_info']['id']}:"))  # of its `*`
        return {**entry, "litellm_params": {**entry["litellm_params"], "model": f"{chosen.provider}/{chosen.model}"}}

    async def async_get_available_deployment(
        self,
        model: str,
        request_kwargs: Mapping[str, Any] | None = None,
        messages: object = None,
        input: object = None,
        specific_deployment: bool | None = False,
    ) -> dict[str, Any]:
        return self.get_available_deployment(model, messages, input, specific_deployment, request_kwargs)

    def __getattr__(self, name: str) -> Any:
        if name in ABSENT:
            raise not_built(f"Router.{name}", ABSENT[name])
        raise AttributeError(f"'Router' object has no attribute {name!r}")


_CALL = "Ask for it by the module's function, at the model that you mean."
_PLACE = "Ask for it by the module's function, with `custom_llm_provider`."
_SERVER = "A gateway has it: `tollbridge serve`."
ABSENT = {
    **dict.fromkeys(("text_completion", "atext_completion", "arerank", "rerank", "moderation", "amoderation"), _CALL),
    **dict.fromkeys(("image_generation", "aimage_generation", "transcription", "atranscription"), _CALL),
    **dict.fromkeys(("speech", "aspeech", "aanthropic_messages"), _CALL),
    **dict.fromkeys(("acreate_file", "acreate_batch", "aretrieve_batch", "afile_content"), _PLACE),
    "schedule_acompletion": "Use `asyncio`.",
    "get_model_group_info": "`get_model_info` of each model of `get_model_list` says it.",
    "get_model_group_usage": _SERVER,
    "upsert_deployment": "Use `delete_deployment` and `add_deployment`.",
    "update_settings": "Make another `Router`.",
    "get_settings": "They are what the `Router` was made of.",
    "flush_cache": "It caches nothing.",
}
"""Methods of LiteLLM's that are not there, and what to do instead."""
