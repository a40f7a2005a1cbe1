"""`tollbridge bench`: a small, bounded load on a gateway that runs. What is asked is paid for, where the model is."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import click
import msgspec

from tollbridge.cli.ending import FAILED, errors_told
from tollbridge.cli.gateway import KEY_VARIABLE, LOOPBACK, URL_VARIABLE, Gateway, address, reached
from tollbridge.cli.indented import indented
from tollbridge.errors import APIError
from tollbridge.transport.egress import split_url

REQUESTS, REQUESTS_MAX = 100, 10_000
AT_ONCE, AT_ONCE_MAX = 8, 64
MODEL = "demo/hello"
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints; this shape is kept. `ms`: of the requests that were answered, by `SHARES`; empty where none
    was. `failures`: how often each error came."""

    model: str
    requests: int
    at_once: int
    seconds: float
    per_second: float
    ms: Mapping[str, float]
    failures: Mapping[str, int]


@click.command()
@click.option("--url", help=f"A gateway that runs; else ${URL_VARIABLE}, else http://127.0.0.1:4000.")
@click.option("--key", help=f"Its key; else ${KEY_VARIABLE}, else, on this machine, the admin's.")
@click.option("--model", "-m", default=MODEL, show_default=True, help="Who is asked; each request is paid for.")
@click.option("--requests", "-n", "count", type=click.IntRange(1, REQUESTS_MAX), default=REQUESTS, show_default=True,
              help="How many.")  # fmt: skip
@click.option("--at-once", "-c", type=click.IntRange(1, AT_ONCE_MAX), default=AT_ONCE, show_default=True,
              help="How many are under way at any moment.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Also a gateway that is not on this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench(url: str | None, key: str | None, model: str, count: int, at_once: int, yes: bool, as_json: bool) -> None:
    """Ask a gateway a few times over, and say how long it took.

    A first look: this program shares the machine with the gateway, and both the time of the model and of the network
    are in what it says. The offline model of the default costs nothing.

    Exit codes: 0 all were answered, 1 some were not, 2 it is another machine's, and --yes is missing.

    \b
    Example:
      tollbridge bench --url http://127.0.0.1:4000 --requests 500 --at-once 16
      tollbridge bench --json | jq .ms.p99
    """
    with errors_told():
        url, key = address(url, key, os.environ)
        if split_url(url)[0].host not in LOOPBACK and not yes:
            raise click.UsageError(f"{url} is not on this machine: say --yes to load it all the same.")
        measured = asyncio.run(_measured(url, key, model, count, at_once))
    if as_json:
        click.echo(indented(measured))
    else:
        click.echo("\n".join(_lines(measured)))
    sys.exit(FAILED if measured.failures else 0)


async def _measured(url: str, key: str | None, model: str, count: int, at_once: int) -> Measured:
    """Raises APIError where not even the first is answered by anybody."""
    took_ms: list[float] = []
    failures: Counter[str] = Counter()
    left = iter(range(count))
    async with reached(url, key) as gateway:
        await gateway.ask("GET", "/v1/models")  # connected, and the key is good
        began = time.perf_counter()
        await asyncio.gather(*(_ask(gateway, model, left, took_ms, failures) for _ in range(at_once)))
        seconds = time.perf_counter() - began
    return Measured(
        model=model,
        requests=count,
        at_once=at_once,
        seconds=round(seconds, 3),
        per_second=round(count / seconds, 1),
        ms=shares(took_ms),
        failures=dict(failures),
    )


async def _ask(gateway: Gateway, model: str, left: Iterator[int], took_ms: list[float], failures: Counter[str]) -> None:
    body = {"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": "Hello!"}]}
    for _ in left:
        began = time.perf_counter()
        try:
            await gateway.ask("POST", "/v1/chat/completions", body)
        except APIError as error:
            failures[f"{error.status_code} {error.message}"] += 1
        else:
            took_ms.append((time.perf_counter() - began) * 1000)


def shares(took_ms: Sequence[float]) -> dict[str, float]:
    """The time within which that share was answered."""
    ordered = sorted(took_ms)
    last = len(ordered) - 1
    return {name: round(ordered[min(last, int(share * len(ordered)))], 2) for name, share in SHARES.items() if ordered}


def _lines(measured: Measured) -> Iterator[str]:
    yield (
        f"{measured.requests:,} requests of {measured.model}, {measured.at_once} at once, in {measured.seconds:g} s: "
        f"{measured.per_second:,g} a second"
    )
    if measured.ms:
        yield "  " + ", ".join(f"{name} {ms:g} ms" for name, ms in measured.ms.items())
    for error, times in measured.failures.items():
        yield f"  {times:,} failed: {error}"
