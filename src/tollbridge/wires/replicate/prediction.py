"""A prediction: what there is of it so far, where to ask again, and the answer that it became.

    {"id", "model", "version", "status", "output": text | [text], "error", "logs", "metrics", "created_at",
     "urls": {"get", "cancel", "stream"?}}

Rules
1. `starting` and `processing` are no answer yet: `urls.get` is asked again. `succeeded` is one, all else is an error.
2. A stream is at `urls.stream`, where the model has streams; else the whole answer is waited for.
3. The output of a language model is one text, or the pieces of one in a list. Any other is told as JSON.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Part, Text
from tollbridge.model.response import Choice, Finish, Response, Usage, is_count
from tollbridge.wires.replicate.errors import failed
from tollbridge.wires.replicate.vocabulary import NAME, SUCCEEDED, UNDER_WAY
from tollbridge.wires.steps import Step

_KNOWN = frozenset({"id", "model", "status", "output", "error", "created_at", "urls", "input", "logs"})


def next_step(answer: Json, stream: bool) -> Step | None:
    """Raises BadGatewayError where it is under way and does not say where to ask again."""
    if not isinstance(answer, dict) or answer.get("status") not in UNDER_WAY:
        return None
    urls = answer.get("urls")
    links = urls if isinstance(urls, dict) else {}
    stop = links["cancel"] if isinstance(links.get("cancel"), str) else ""
    if stream and isinstance(links.get("stream"), str):
        return Step(url=links["stream"], stream=True, stop=stop)
    if isinstance(links.get("get"), str):
        return Step(url=links["get"], waits=True, stop=stop)
    raise BadGatewayError("The prediction is under way, and does not say where to ask for it: no `urls.get`.")


def read_response(body: Json) -> Response:
    """Raises BadGatewayError where it is no prediction, and what a failed one says."""
    if not isinstance(body, dict) or not isinstance(body.get("status"), str):
        raise BadGatewayError("Expected a prediction with a `status` - at `$`.")
    status = body["status"]
    if status not in SUCCEEDED:
        raise failed(body.get("error"), status)
    text = output_text(body.get("output"))
    parts: tuple[Part, ...] = (Text(text=text),) if text else ()
    id, model = body.get("id"), body.get("model")
    return Response(
        id=id if isinstance(id, str) else "",
        model=model if isinstance(model, str) else "",
        created=_moment(body.get("created_at")),
        choices=(Choice(parts=parts, finish=Finish(reason="stop", raw=status)),),
        usage=read_usage(body.get("metrics")),
        origin=NAME,
        extra={name: value for name, value in body.items() if name not in _KNOWN and value is not None},
    )


def output_text(output: Json) -> str:
    match output:
        case None:
            return ""
        case str():
            return output
        case list() if all(isinstance(piece, str) for piece in output):
            return "".join(output)
    return msgspec.json.encode(output).decode()


def read_usage(metrics: Json) -> Usage | None:
    """Official language models count their tokens; others tell seconds alone."""
    counts: JsonObject = metrics if isinstance(metrics, dict) else {}
    given, made = counts.get("input_token_count"), counts.get("output_token_count")
    if not is_count(given) or not is_count(made):
        return None
    return Usage(input=given, output=made, origin=NAME)


def _moment(text: Json) -> int | None:
    try:
        return int(datetime.fromisoformat(text).timestamp()) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None
