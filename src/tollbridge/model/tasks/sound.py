"""How long a recording is, as far as its bytes tell: exact for WAV, else by the bitrate that is usual for its kind."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.model.tasks.task import Upload

USUAL_BYTES_PER_S: Mapping[str, int] = {
    "wav": 32_000,
    "flac": 60_000,
    "mp3": 16_000,
    "mpga": 16_000,
    "mpeg": 16_000,
    "m4a": 12_000,
    "mp4": 12_000,
    "ogg": 4_000,
    "oga": 4_000,
    "opus": 4_000,
    "webm": 4_000,
}
"""WAV of 16 kHz and 16 bits, FLAC at half of CD's rate, MP3 at 128 kbit/s, AAC at 96, Opus at 32."""
LEAST_USUAL = 4_000
_RATE_AT, _FORMAT = 28, b"fmt "


def likely_seconds(file: Upload) -> float:
    data = file.data
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE" and data[12:16] == _FORMAT and len(data) > 44:
        rate = int.from_bytes(data[_RATE_AT : _RATE_AT + 4], "little")
        if rate:
            return (len(data) - 44) / rate
    kind = file.name.rpartition(".")[2].lower()
    if kind not in USUAL_BYTES_PER_S:
        kind = file.media_type.partition("/")[2].partition(";")[0].lower().removeprefix("x-")
    return len(data) / USUAL_BYTES_PER_S.get(kind, LEAST_USUAL)
