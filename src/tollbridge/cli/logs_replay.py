"""`tollbridge logs replay`: the same request again, at a gateway that runs, and both beside each other.

The ledger keeps what a request cost and how it went, not what was asked, which comes from a file; a response that the
gateway keeps for its client (`store`) has it beside it. The model, the path and whether it was a stream come from the
ledger.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from tollbridge.cli.columns import printable
from tollbridge.cli.ending import FAILED, errors_told
from tollbridge.cli.gateway import KEY_VARIABLE, URL_VARIABLE, Answered, Gateway, address, reached
from tollbridge.cli.indented import indented
from tollbridge.cli.kept_request import kept_request
from tollbridge.cli.screen import painted, table
from tollbridge.cli.texts import TEXT
from tollbridge.errors import APIError, BadRequestError, NotFoundError
from tollbridge.model.json import JsonObject
from tollbridge.model.money import show_dollars

BODY_BYTES_MAX = 64 * 1024 * 1024
WRITTEN_S = 15.0
"""An entry is in the database within a second; a busy one may take longer."""
LOOK_EVERY_S = 0.1
RESPONSES = "/responses"
STREAMS = ("/chat/completions", "/messages", RESPONSES, "/completions")
"""Paths whose body says whether it is a stream."""
REPLAYED = (
    *STREAMS,
    *("/embeddings", "/rerank", "/moderations", "/audio/speech", "/images/generations"),
    *(":generateContent", ":streamGenerateContent"),
)
"""Whose body is JSON."""
NO_BODY = (
    "The ledger keeps neither prompts nor answers, and no setting makes it keep them: say --file with the body of the "
    "request, as JSON (`-`: from standard input). Only of a response that the gateway keeps (resp_tb..., 30 days) it "
    "knows it, and tells the key that asked alone."
)


class Went(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two, as the ledger has it; this shape is kept. `id`: the ledger's; `answer_id`: the one in the answer,
    or `request_id` where it has none. `ttft_ms`: null where it was no
    stream. `cost_nanousd`: null where it is not known."""

    id: str
    request_id: str
    answer_id: str
    at: str
    model_requested: str
    provider: str
    model: str
    endpoint: str
    stream: bool
    status: int
    outcome: str
    error_class: str | None
    attempts: int
    input_tokens: int
    output_tokens: int
    parts: Mapping[str, int]
    estimated: bool
    cost_nanousd: int | None
    priced: str | None
    duration_ms: int
    ttft_ms: int | None


@click.command()
@click.argument("id", type=TEXT)
@click.option("--file", "-f", "file", type=click.Path(path_type=Path), help="The body of the request, as JSON.")
@click.option("--model", "-m", help="Ask this model instead.")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Write the new answer there, as it came.")
@click.option("--url", help=f"Where the gateway is. Default: {URL_VARIABLE}, else this machine, port 4000.")
@click.option("--key", help=f"Who asks, and pays. Default: {KEY_VARIABLE}; on this machine the admin's.")
@click.option("--json", "as_json", is_flag=True, help="Print both, as JSON.")
def replay(
    id: str, file: Path | None, model: str | None, out: Path | None, url: str | None, key: str | None, as_json: bool
) -> None:
    """Ask the same again at a gateway that runs, and show cost, tokens and times of both. It costs what it costs.

    ID is the one in the answer, that of its header x-tollbridge-request-id, or the ledger's. The ledger keeps neither
    prompts nor answers: --file has what was asked. A response that the gateway keeps (resp_tb...) needs none, for the
    key that asked. The path, the model and whether it is a stream are those of then.

    Exit codes: 0 it was answered, 1 there is no such request or it was not answered, 2 what was given cannot be used.

    Example:

    \b
      tollbridge logs replay chatcmpl-2f1c --file request.json
      tollbridge logs replay resp_tb0f3a --model claude-sonnet-4-5
    """
    with errors_told():
        body = None if file is None else _read(file)
        where, shown_key = address(url, key, os.environ)
        before, after, answered = asyncio.run(_again(where, shown_key, id, body, model))
    if out is not None:
        try:
            out.write_bytes(answered.raw)
        except OSError as error:
            click.echo(f"error: {out} cannot be written: {error.strerror or error}.", err=True)
            sys.exit(FAILED)
    if as_json:
        click.echo(indented({"before": before, "after": after}))
    else:
        click.echo("\n".join(_beside(before, after)))
    sys.exit(0 if after.outcome == "ok" else FAILED)


def _read(file: Path) -> JsonObject:
    try:
        raw = sys.stdin.buffer.read(BODY_BYTES_MAX + 1) if str(file) == "-" else file.read_bytes()
        if len(raw) > BODY_BYTES_MAX:
            raise BadRequestError(f"{file}: larger than {BODY_BYTES_MAX // 1024**2} MiB.")
        return msgspec.json.decode(raw, type=dict[str, Any])
    except OSError as error:
        raise BadRequestError(f"{file} cannot be read: {error.strerror or error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(f"{file} is no body of a request: {error}.") from error


async def _again(
    url: str, key: str | None, id: str, body: JsonObject | None, model: str | None
) -> tuple[Went, Went, Answered]:
    """(how it went, how it goes, the new answer). Raises APIError."""
    async with reached(url, key) as gateway:
        found = await _entries(gateway, id)
        if not found:
            raise NotFoundError(f"There is no request {id!r} in the ledger: it is too old, or asked no provider.")
        before = found[0]
        if body is None and before.endpoint.endswith(RESPONSES):
            body = await kept_request(gateway, before.answer_id)
        if body is None:
            raise BadRequestError(NO_BODY)
        path, asked = request_of(before, body, model)
        accept = "text/event-stream" if before.stream else "*/*"
        answered = await gateway.exchange("POST", path, asked, accept=accept)
        after = await _written(gateway, answered)
        if after is None:
            if answered.status >= 400:
                answered.told(gateway.url)  # raises what it says
            raise APIError(f"It was answered with status {answered.status}, but the ledger does not have it yet.")
        return before, after, answered


def request_of(before: Went, body: JsonObject, model: str | None) -> tuple[str, JsonObject]:
    """The path and the body of the request that is asked again. Raises BadRequestError."""
    endpoint = before.endpoint
    if not endpoint.endswith(REPLAYED):
        raise BadRequestError(
            f"What is asked at {endpoint} is not asked again: its body is no JSON, or it is no request."
        )
    name = model or before.model_requested
    if "{id}" in endpoint:  # the model stands in the path
        return endpoint.replace("{id}", quote(name, safe="/")), body
    asked = {**body, "model": name}
    if endpoint.endswith(STREAMS):
        asked["stream"] = before.stream
        if not before.stream:
            asked.pop("stream_options", None)
    return endpoint, asked


async def _written(gateway: Gateway, answered: Answered) -> Went | None:
    """Its entry, which is there a moment after its answer; what asked no provider has none."""
    if not answered.request_id:
        return None
    patience_s = WRITTEN_S if answered.status < 400 else WRITTEN_S / 5
    for _ in range(round(patience_s / LOOK_EVERY_S)):
        found = await _entries(gateway, answered.request_id)
        if found:
            return found[0]
        await asyncio.sleep(LOOK_EVERY_S)
    return None


async def _entries(gateway: Gateway, id: str) -> list[Went]:
    """The newest first, without the rounds of a tool loop, which are part of one."""
    rows = await gateway.ask("GET", f"/spend/logs?request_id={quote(id, safe='')}")
    return [_went(row) for row in rows if row["metadata"]["tollbridge"]["parent"] is None]


def _went(row: JsonObject) -> Went:
    own, metadata = row["metadata"]["tollbridge"], row["metadata"]
    began, first, ended = (_moment(row[name]) for name in ("startTime", "completionStartTime", "endTime"))
    return Went(
        id=own["id"],
        request_id=own["request_id"],
        answer_id=row["request_id"],
        at=row["startTime"],
        model_requested=own["model_requested"],
        provider=row["custom_llm_provider"],
        model=row["model"],
        endpoint=own["endpoint"],
        stream=own["stream"],
        status=own["status"],
        outcome=own["outcome"],
        error_class=(metadata["error_information"] or {}).get("error_class") or None,
        attempts=own["attempts"],
        input_tokens=row["prompt_tokens"],
        output_tokens=row["completion_tokens"],
        parts=metadata["additional_usage_values"] or {},
        estimated=own["estimated"],
        cost_nanousd=own["cost_nanousd"],
        priced=own["priced"],
        duration_ms=round((ended - began) * 1000),
        ttft_ms=round((first - began) * 1000) if own["stream"] and first < ended else None,
    )


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _beside(before: Went, after: Went) -> Sequence[str]:
    """As a table, with what differs in the last column."""
    rows = [
        ("asked for", before.model_requested, after.model_requested, ""),
        ("answered by", f"{before.provider}/{before.model}", f"{after.provider}/{after.model}", ""),
        ("went", _how(before), _how(after), ""),
        ("input tokens", *_numbers(before.input_tokens, after.input_tokens)),
        ("output tokens", *_numbers(before.output_tokens, after.output_tokens)),
    ]
    for part in dict.fromkeys((*before.parts, *after.parts)):
        numbers = _numbers(before.parts.get(part, 0), after.parts.get(part, 0))
        rows.append((f"  of them {part.replace('_', ' ')}", *numbers))
    rows.append(("cost", _dollars(before), _dollars(after), _share(before.cost_nanousd, after.cost_nanousd)))
    if before.ttft_ms is not None or after.ttft_ms is not None:
        rows.append(("first piece", _ms(before.ttft_ms), _ms(after.ttft_ms), _share(before.ttft_ms, after.ttft_ms)))
    times = _ms(before.duration_ms), _ms(after.duration_ms), _share(before.duration_ms, after.duration_ms)
    rows.append(("took", *times))
    cells = [tuple(printable(cell) for cell in row) for row in rows]
    when = (before.at[:19].replace("T", " "), after.at[:19].replace("T", " "))
    lines = table(("UTC", *when, ""), cells, 3).split("\n")
    return [*lines, *([] if after.outcome == "ok" else [painted("It was not answered.", sys.stdout, fg="red")])]


def _how(one: Went) -> str:
    return f"{one.status} {one.error_class or one.outcome}" + (f", {one.attempts} attempts" if one.attempts > 1 else "")


def _numbers(before: int, after: int) -> tuple[str, str, str]:
    return f"{before:,}", f"{after:,}", f"{after - before:+,}" if after != before else ""


def _dollars(one: Went) -> str:
    return "unknown" if one.cost_nanousd is None else show_dollars(one.cost_nanousd)


def _ms(value: int | None) -> str:
    return "-" if value is None else f"{value:,} ms"


def _share(before: int | None, after: int | None) -> str:
    if not before or after is None or before == after:
        return ""
    return f"{(after / before - 1) * 100:+.0f} %"
