"""The words of the Converse format that several files need.

Format: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, the service model of
bedrock-runtime in botocore 1.44 (seen 2026-11-26), and the exchanges in ../shared/recordings.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.model.response import Caveat, FinishReason

NAME = "bedrock_converse"

FINISH: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "model_context_window_exceeded": "context_window",
}
"""What is not here (`malformed_model_output`, `malformed_tool_use`, and what is to come) has no word elsewhere."""

ANSWER_TOOL = "tb_answer_in_json"
"""The tool by whose call a model answers that takes no schema: to everybody else its arguments are the answer's text.
The name tells, since an answer is read without its request."""

SERVER_TOOL = "server_tool_use"
"""The `type` of a call that the provider ran itself."""

INVALID_JSON = "INVALID_JSON"
"""Where arguments that are no JSON object go, which `input` must be; the same word as in Anthropic's format."""

IMAGES: Mapping[str, str] = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "gif": "gif", "webp": "webp"}
DOCUMENTS: Mapping[str, str] = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "application/json": "txt",
    "application/xml": "txt",
    "text/xml": "txt",
    "text/markdown": "md",
    "text/x-markdown": "md",
}
VIDEOS: Mapping[str, str] = {
    "x-matroska": "mkv",
    "quicktime": "mov",
    "mp4": "mp4",
    "webm": "webm",
    "x-flv": "flv",
    "mpeg": "mpeg",
    "x-ms-wmv": "wmv",
    "3gpp": "three_gp",
}
SOUNDS: Mapping[str, str] = {
    "mpeg": "mp3",
    "mp3": "mp3",
    "opus": "opus",
    "wav": "wav",
    "x-wav": "wav",
    "wave": "wav",
    "vnd.wave": "wav",
    "aac": "aac",
    "x-aac": "aac",
    "flac": "flac",
    "x-flac": "flac",
    "mp4": "mp4",
    "m4a": "m4a",
    "x-m4a": "m4a",
    "ogg": "ogg",
    "webm": "webm",
    "pcm": "pcm",
    "pcm16": "pcm",
}
"""The format's word by the second half of a media type; of documents by the whole of it."""
MEDIA_TYPES: Mapping[str, str] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}


def caveat(code: str, where: str, detail: str) -> Caveat:
    return Caveat(code=code, where=where, detail=f"{detail[0].upper()}{detail[1:]}.")


def approximated(name: str, how: str) -> Caveat:
    return Caveat(code="approximated", where=f"$.{name}", detail=f"`{name}`: {how}.")
