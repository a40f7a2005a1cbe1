"""`create_batch` and the other calls for batches, and their async twins: LiteLLM's names, OpenAI's objects.

Whose they are is said as in `file_calls.py`. Models in the file of a batch are named as the provider names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tollbridge.files.asking import read_list, read_object
from tollbridge.sdk.keeping import asked, path_of, read_errand
from tollbridge.sdk.kept_objects import Batch, BatchList
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.transport.base import Incoming


async def acreate_batch(
    completion_window: str,
    endpoint: str,
    input_file_id: str,
    custom_llm_provider: str | None = None,
    metadata: Mapping[str, str] | None = None,
    **parameters: Any,
) -> Batch:
    """Requests of a file (`create_file` with `purpose="batch"`), answered within `completion_window` (`24h`), all of
    one `endpoint` (`/v1/chat/completions`). `metadata` goes to the provider. Not sent twice after a failure."""
    said = {
        "completion_window": completion_window,
        "endpoint": endpoint,
        "input_file_id": input_file_id,
        "metadata": metadata,
    }
    return await asked(read_errand(custom_llm_provider, parameters), "POST", "batches", _batch, said)


async def aretrieve_batch(batch_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> Batch:
    """How far it is. `output_file_id` is the file of its answers: `file_content` gives them."""
    path = path_of("batches", batch_id, "batch_id")
    return await asked(read_errand(custom_llm_provider, parameters), "GET", path, _batch, again=True)


async def alist_batches(
    after: str | None = None, limit: int | None = None, custom_llm_provider: str | None = None, **parameters: Any
) -> BatchList:
    """A page of the batches that the account has; `after` one of them."""
    errand = read_errand(custom_llm_provider, parameters)
    return await asked(errand, "GET", "batches", _batches, {"after": after, "limit": limit}, again=True)


async def acancel_batch(batch_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> Batch:
    """No further request of it is begun. What was answered is kept, and paid for."""
    path = path_of("batches", batch_id, "batch_id", "/cancel")
    return await asked(read_errand(custom_llm_provider, parameters), "POST", path, _batch, again=True)


async def _batch(incoming: Incoming) -> Batch:
    return Batch(await read_object(incoming))


async def _batches(incoming: Incoming) -> BatchList:
    return BatchList(await read_list(incoming))


def create_batch(
    completion_window: str,
    endpoint: str,
    input_file_id: str,
    custom_llm_provider: str | None = None,
    metadata: Mapping[str, str] | None = None,
    **parameters: Any,
) -> Batch:
    """`acreate_batch` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(
        acreate_batch(completion_window, endpoint, input_file_id, custom_llm_provider, metadata, **parameters)
    )


def retrieve_batch(batch_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> Batch:
    """`aretrieve_batch` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(aretrieve_batch(batch_id, custom_llm_provider, **parameters))


def list_batches(
    after: str | None = None, limit: int | None = None, custom_llm_provider: str | None = None, **parameters: Any
) -> BatchList:
    """`alist_batches` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(alist_batches(after, limit, custom_llm_provider, **parameters))


def cancel_batch(batch_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> Batch:
    """`acancel_batch` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(acancel_batch(batch_id, custom_llm_provider, **parameters))
