"""A list of prices that an operator names: a file, standard input, or a URL.

A URL is the operator's own word, as those of a configuration are: it may lead anywhere but to metadata addresses,
through the configuration's proxies and authorities. It is https, or on this machine: who changes prices on their way
changes what everybody pays. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from tollbridge.assemble.gateway import transport
from tollbridge.catalog.price_file import Offered, read_offered
from tollbridge.cli.gateway import LOOPBACK
from tollbridge.config.settings import Config
from tollbridge.errors import APIError, ConfigError
from tollbridge.transport.base import Outgoing, Timeouts
from tollbridge.transport.egress import split_url

BYTES_MAX = 16 * 1024 * 1024
TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=30.0, gap_s=30.0, total_s=120.0)


def offered(source: str, config: Config, environ: Mapping[str, str]) -> Offered:
    """Raises ConfigError where it cannot be had, or is no list of prices."""
    shown, text = source, b""
    if source.startswith(("http://", "https://")):
        shown, text = _fetched(source, config, environ)
    elif source == "-":
        shown, text = "standard input", sys.stdin.buffer.read(BYTES_MAX + 1)
    else:
        try:
            with Path(source).open("rb") as stream:
                text = stream.read(BYTES_MAX + 1)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{source} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if len(text) > BYTES_MAX:
        raise ConfigError(f"{shown}: no list of prices is larger than {BYTES_MAX // 1024**2} MiB.")
    try:
        found = read_offered(text)
    except ValueError as error:
        raise ConfigError(f"{shown} cannot be used: {error}.") from error
    if not found.models:
        raise ConfigError(f"{shown} names no price that an answer can be charged by.")
    return found


def _fetched(url: str, config: Config, environ: Mapping[str, str]) -> tuple[str, bytes]:
    """(what it is called in messages, what it holds). Keys may stand in paths and queries."""
    try:
        origin, target = split_url(url)
    except ValueError as error:
        raise ConfigError(f"The list's URL cannot be used: {error}.") from error
    shown = f"{origin.scheme}://{origin.authority}"
    if origin.scheme != "https" and origin.host not in LOOPBACK:
        raise ConfigError(f"{shown}: prices come by https, or from this machine: on its way anybody could change them.")
    outgoing = Outgoing(origin=origin, method="GET", target=target, headers=(("accept", "application/json"),), body=b"")

    async def fetched() -> tuple[int, bytes]:
        network = transport(config, environ)
        try:
            incoming = await network.send(outgoing, TIMEOUTS)
            return incoming.status, await incoming.read(BYTES_MAX)
        finally:
            await network.close()

    try:
        status, text = asyncio.run(fetched())
    except APIError as error:
        raise ConfigError(f"{shown} gave no list of prices: {error.message}") from error
    if status != 200:
        raise ConfigError(f"{shown} gave no list of prices: it answered with status {status}.")
    return shown, text
