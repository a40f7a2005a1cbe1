"""`create_file` and the other calls for files, and their async twins: LiteLLM's names, OpenAI's objects.

`custom_llm_provider` says who keeps the file; OpenAI, where neither it nor `model` (`azure/gpt-4o`) nor the host of
`api_base` does. Each takes `api_key`, `api_base`, `api_version`, `organization`, `timeout`, `extra_headers`,
`num_retries` and what the provider's row asks for, as `completion` does, and raises APIError (`tollbridge.exceptions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tollbridge.files.asking import read_list, read_object
from tollbridge.sdk.files import File
from tollbridge.sdk.keeping import asked, path_of, read_errand, uploaded
from tollbridge.sdk.kept_objects import FileContent, FileDeleted, FileList, FileObject
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.transport.base import Incoming

CONTENT_BYTES_MAX = 1024 * 1024 * 1024


async def acreate_file(
    file: File,
    purpose: str,
    expires_after: Mapping[str, Any] | None = None,
    custom_llm_provider: str | None = None,
    **parameters: Any,
) -> FileObject:
    """Uploads a file: a path, bytes, an open file, or (name, content). It is read as it is sent, never whole.
    `purpose`: `batch`, `assistants`, `fine-tune`, `user_data` and what else the provider knows. Not sent twice after a
    failure."""
    said = {"purpose": purpose, "expires_after": expires_after}
    return await uploaded(read_errand(custom_llm_provider, parameters), said, file, _file)


async def afile_retrieve(file_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> FileObject:
    """What is known of a file."""
    path = path_of("files", file_id, "file_id")
    return await asked(read_errand(custom_llm_provider, parameters), "GET", path, _file, again=True)


async def afile_delete(file_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> FileDeleted:
    """The provider forgets a file."""
    path = path_of("files", file_id, "file_id")
    return await asked(read_errand(custom_llm_provider, parameters), "DELETE", path, _deleted)


async def afile_list(custom_llm_provider: str | None = None, purpose: str | None = None, **parameters: Any) -> FileList:
    """A page of the files that the account has. `after`, `limit`, `order` say which."""
    errand = read_errand(custom_llm_provider, parameters)
    return await asked(errand, "GET", "files", _files, {"purpose": purpose}, again=True)


async def afile_content(file_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> FileContent:
    """What is in a file, up to 1 GiB: of a batch's answers `iter_lines` gives each."""
    path = path_of("files", file_id, "file_id", "/content")
    errand = read_errand(custom_llm_provider, parameters)
    return await asked(errand, "GET", path, _content, again=True, large=True)


async def _file(incoming: Incoming) -> FileObject:
    return FileObject(await read_object(incoming))


async def _deleted(incoming: Incoming) -> FileDeleted:
    return FileDeleted(await read_object(incoming))


async def _files(incoming: Incoming) -> FileList:
    return FileList(await read_list(incoming))


async def _content(incoming: Incoming) -> FileContent:
    found = FileContent()
    found._content = await incoming.read(CONTENT_BYTES_MAX)
    found._media_type = (incoming.header(b"content-type") or b"").decode("latin-1")
    return found


def create_file(
    file: File,
    purpose: str,
    expires_after: Mapping[str, Any] | None = None,
    custom_llm_provider: str | None = None,
    **parameters: Any,
) -> FileObject:
    """`acreate_file` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(acreate_file(file, purpose, expires_after, custom_llm_provider, **parameters))


def file_retrieve(file_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> FileObject:
    """`afile_retrieve` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(afile_retrieve(file_id, custom_llm_provider, **parameters))


def file_delete(file_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> FileDeleted:
    """`afile_delete` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(afile_delete(file_id, custom_llm_provider, **parameters))


def file_list(custom_llm_provider: str | None = None, purpose: str | None = None, **parameters: Any) -> FileList:
    """`afile_list` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(afile_list(custom_llm_provider, purpose, **parameters))


def file_content(file_id: str, custom_llm_provider: str | None = None, **parameters: Any) -> FileContent:
    """`afile_content` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(afile_content(file_id, custom_llm_provider, **parameters))
