"""The objects of files and batches, as OpenAI's.

https://platform.openai.com/docs/api-reference/files/object, .../batch/object (seen 2026-11-26).
"""

from collections.abc import Iterator

from tollbridge.model.json import JsonObject
from tollbridge.sdk.objects import Answer
from tollbridge.sdk.task_objects import Binary, Part
from tollbridge.sdk.value import Value


class FileObject(Answer):
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: str
    status_details: str | None


class FileDeleted(Answer):
    deleted: bool


class FileList(Answer):
    """A page."""

    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileContent(Binary):
    """What is in a file."""

    @property
    def text(self) -> str:
        return self._content.decode("utf-8", "replace")

    def iter_lines(self) -> Iterator[str]:
        """Of a file of answers: each is JSON. Without their ends."""
        return (line.decode("utf-8", "replace").rstrip("\r") for line in self._content.split(b"\n") if line.strip())

    async def aread(self) -> "bytes":
        return self._content


class BatchRequestCounts(Value):
    total: int
    completed: int
    failed: int


class Batch(Answer):
    endpoint: str
    errors: JsonObject | None
    input_file_id: str
    completion_window: str
    status: str
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int | None
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: BatchRequestCounts | None
    metadata: JsonObject | None


class BatchList(Answer):
    """A page."""

    data: list[Batch]
    first_id: str | None
    last_id: str | None
    has_more: bool


class ResponseDeleted(Answer):
    deleted: bool


class InputItems(Part, Answer):
    """A page of what a response was given. Items have all their fields as attributes."""

    data: list[Part]
    first_id: str | None
    last_id: str | None
    has_more: bool
