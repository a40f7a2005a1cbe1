"""OpenAI's embeddings, which most servers speak word for word: they are relayed, and read along for their usage.

    {"model", "input": text, texts, tokens or lists of tokens, "encoding_format", "dimensions", "user"}
    {"object": "list", "data": [{"embedding": [...] or base64, "index"}], "model", "usage": {"prompt_tokens", ...}}

https://platform.openai.com/docs/api-reference/embeddings (seen 2026-11-26). The neutral model is of conversations:
there is no translation, and a deployment that does not speak this format says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.errors import APIError, BadGatewayError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Request
from tollbridge.model.response import Response, Usage, is_count
from tollbridge.wires.base import Head, HttpRequest, StreamReader, StreamWriter, Target, Written
from tollbridge.wires.openai_chat import errors
from tollbridge.wires.seal import SEAL_MARK, UNKEYED, Seals
from tollbridge.wires.sse import SseParser
from tollbridge.wires.tap import Along, Tap, text_of

NAME = "openai_embeddings"


class _Told(msgspec.Struct):
    id: Json = None
    usage: Json = None
    error: Json = None
    data: msgspec.Raw = msgspec.Raw()


_told = msgspec.json.Decoder(_Told).decode


class OpenAIEmbeddings:
    """`wires.base.Wire`, as far as embeddings have its sides: there are no streams and no conversations."""

    name = NAME
    asks_for_usage = False
    in_path = False
    stream_parser = SseParser
    streams_bare_json = False
    seal_mark = SEAL_MARK
    alive = b""
    count_field = "input_tokens"

    def read_request(self, body: Json, seals: Seals = UNKEYED) -> Written[Request]:
        """Raises BadRequestError: who would have to translate it gives no embeddings."""
        raise BadRequestError(
            "This model gives no embeddings here: choose one that does.", param="model", code="unsupported_endpoint"
        )

    def write_request(self, request: Request, to: Target) -> Written[HttpRequest]:
        raise BadRequestError(
            f"The model {to.model} gives embeddings alone.", param="model", code="unsupported_endpoint"
        )

    def read_response(self, body: Json) -> Response:
        usage = body.get("usage") if isinstance(body, dict) else None
        return Response(usage=read_usage(usage), origin=NAME)

    def write_response(self, answer: Response, seals: Seals = UNKEYED) -> Written[JsonObject]:
        raise BadGatewayError("The provider answered with a conversation where embeddings were asked for.")

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        return errors.read_error(status, headers, body)

    def write_error(self, error: APIError) -> tuple[int, JsonObject]:
        return errors.write_error(error)

    def stream_reader(self) -> StreamReader:
        raise BadRequestError("Embeddings do not stream.", param="stream")

    def stream_writer(self, head: Head) -> StreamWriter:
        raise BadRequestError("Embeddings do not stream.", param="stream")

    def stream_tap(self, hides_usage: bool) -> Tap:
        raise BadRequestError("Embeddings do not stream.", param="stream")

    def read_along(self, body: bytes) -> Along:
        """What a relayed answer says of itself. Raises BadGatewayError where the body is no answer of this format."""
        try:
            told = _told(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadGatewayError("The provider's answer is not the JSON that its format promises.") from error
        if told.error is not None:
            raise errors.read_inner_error({"error": told.error})
        if not bytes(told.data).startswith(b"["):
            raise BadGatewayError("The provider's answer is JSON, but holds no embeddings.")
        return Along(read_usage(told.usage), text_of(told.id))


def read_usage(value: Json) -> Usage | None:
    if not isinstance(value, dict):
        return None
    prompt, total = value.get("prompt_tokens"), value.get("total_tokens")
    counted = prompt if is_count(prompt) else total
    return Usage(input=counted, output=0, origin=NAME) if is_count(counted) else None


OPENAI_EMBEDDINGS = OpenAIEmbeddings()
