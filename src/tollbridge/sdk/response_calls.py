"""`get_responses` and the other calls for responses that their provider keeps, and their async twins: LiteLLM's names,
OpenAI's objects.

`custom_llm_provider` says whose they are, else the id where it says so (`response_ids`), else `model` (`azure/gpt-5`),
or the host of `api_base`; else it is OpenAI. Each takes `api_key`, `api_base`, `api_version`, `organization`,
`timeout`, `extra_headers` and `num_retries`, as `completion` does, and raises APIError (`tollbridge.exceptions`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from tollbridge.errors import BadRequestError
from tollbridge.files.asking import read_list, read_object
from tollbridge.model.json import JsonObject
from tollbridge.sdk.keeping import Errand, asked, path_of, read_errand
from tollbridge.sdk.kept_objects import InputItems, ResponseDeleted
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.response_ids import read_id
from tollbridge.sdk.task_objects import Event
from tollbridge.transport.base import Incoming

R = TypeVar("R")


async def aget_responses(response_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> Event:
    """A response as it is now."""
    errand, path = _errand(response_id, custom_llm_provider, parameters)
    return await asked(errand, "GET", path, _read(Event, response_id), again=True)


async def adelete_responses(
    response_id: str, custom_llm_provider: str | None = None, **parameters: Any
) -> ResponseDeleted:
    """The provider forgets it."""
    errand, path = _errand(response_id, custom_llm_provider, parameters)
    return await asked(errand, "DELETE", path, _read(ResponseDeleted, response_id))


async def acancel_responses(response_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> Event:
    """One that runs in the background is ended."""
    errand, path = _errand(response_id, custom_llm_provider, parameters, "/cancel")
    return await asked(errand, "POST", path, _read(Event, response_id), again=True)


async def alist_input_items(
    response_id: str,
    after: str | None = None,
    before: str | None = None,
    include: Sequence[str] | None = None,
    limit: int | None = None,
    order: str | None = None,
    custom_llm_provider: str | None = None,
    **parameters: Any,
) -> InputItems:
    """A page of what it was given, the latest first unless `order` is `asc`."""
    errand, path = _errand(response_id, custom_llm_provider, parameters, "/input_items")
    said = {"after": after, "before": before, "include[]": include, "limit": limit, "order": order}
    return await asked(errand, "GET", path, _items, said, again=True)


def _errand(id: object, provider: str | None, parameters: dict[str, Any], end: str = "") -> tuple[Errand, str]:
    if not isinstance(id, str):
        raise BadRequestError("`response_id` must be an id, as the provider told it.", param="response_id")
    told = read_id(id)
    path = path_of("responses", told.id, "response_id", end)
    return read_errand(provider or told.provider or None, parameters), path


def _read(made: Callable[[JsonObject], R], id: str) -> Callable[[Incoming], Awaitable[R]]:
    """Who asked by an id that says who keeps it finds that again: what is asked next goes there too."""

    async def read(incoming: Incoming) -> R:
        told = await read_object(incoming)
        return made({**told, "id": id} if told.get("id") == read_id(id).id else told)

    return read


async def _items(incoming: Incoming) -> InputItems:
    return InputItems(await read_list(incoming))


def get_responses(response_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> Event:
    """`aget_responses` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(aget_responses(response_id, custom_llm_provider, **parameters))


def delete_responses(response_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> ResponseDeleted:
    """`adelete_responses` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(adelete_responses(response_id, custom_llm_provider, **parameters))


def cancel_responses(response_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> Event:
    """`acancel_responses` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(acancel_responses(response_id, custom_llm_provider, **parameters))


def list_input_items(
    response_id: str,
    after: str | None = None,
    before: str | None = None,
    include: Sequence[str] | None = None,
    limit: int | None = None,
    order: str | None = None,
    custom_llm_provider: str | None = None,
    **parameters: Any,
) -> InputItems:
    """`alist_input_items` for a program without async, also inside a running loop (a notebook)."""
    said = (after, before, include, limit, order, custom_llm_provider)
    return BACKGROUND.run(alist_input_items(response_id, *said, **parameters))
