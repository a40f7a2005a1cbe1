"""Secrets out of a provider's words before anybody reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from tollbridge.errors import APIError

MASK = b"***"
SECRET_CHARACTERS_MIN = 6
"""A shorter "key" (`x`, `EMPTY`, for servers that ask for none) is no secret, and would garble every message."""

KEY_SHAPES = re.compile(
    rb"\bsk-[^\s\"'\\<>,;]{16,}"
    rb"|\b(?:sk|pk|rk|gsk|xai|hf|nvapi|AIza|AKIA|ASIA|eyJ)[-_A-Za-z0-9.]{16,}"
    rb"|(?i:(?<=bearer ))[^\s\"']{8,}"
)

ERROR_MARK = b'"error"'
"""An answer without it holds no error."""

_encode = msgspec.json.Encoder().encode


class _Choice(msgspec.Struct):
    error: msgspec.Raw = msgspec.Raw()


class _Answer(msgspec.Struct):
    error: msgspec.Raw = msgspec.Raw()
    choices: tuple[_Choice, ...] = ()


_answer = msgspec.json.Decoder(_Answer).decode


def redact(text: bytes, secrets: Sequence[str]) -> bytes:
    """`text` without the deployment's own secrets, as they are, in a URL and in JSON, and without whatever looks like
    a key."""
    for secret in secrets:
        if len(secret) >= SECRET_CHARACTERS_MIN:
            for spelling in {secret.encode(), quote(secret, safe="").encode(), _encode(secret)[1:-1]}:
                text = text.replace(spelling, MASK).replace(spelling.replace(b"/", b"\\/"), MASK)
    return KEY_SHAPES.sub(MASK, text)


def redact_errors(answer: bytes, secrets: Sequence[str]) -> bytes:
    """A whole answer, or the data of a chunk, whose errors are without secrets: the one at its top, and those in its
    choices, as OpenRouter tells that the provider behind it failed. What the model said goes on as it came."""
    if answer.find(ERROR_MARK) < 0:
        return answer
    try:
        found = _answer(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return redact(answer, secrets)  # of another shape: there is no telling where its errors are
    for error in (found.error, *(choice.error for choice in found.choices)):
        said = bytes(error)
        if said:
            answer = answer.replace(said, redact(said, secrets))
    return answer


def without_secrets(error: APIError, secrets: Sequence[str]) -> APIError:
    """The error itself, its words redacted."""
    error.message = redact(error.message.encode(), secrets).decode()
    error.args = (error.message,)
    for name in ("type", "code", "param"):
        value = getattr(error, name)
        if isinstance(value, str):
            setattr(error, name, redact(value.encode(), secrets).decode())
    if error.body is not None:
        try:
            error.body = msgspec.json.decode(redact(_encode(error.body), secrets))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            error.body = None
    return error
