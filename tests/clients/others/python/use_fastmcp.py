"""FastMCP's client, over Streamable HTTP and HTTP+SSE; and by its own OAuth, where a thread is the person and the
browser."""

from __future__ import annotations

import threading
import time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, build_opener, urlopen

from fastmcp import Client
from fastmcp.client.auth import OAuth
from fastmcp.client.transports import SSETransport, StreamableHttpTransport
from tools import HEADERS, Told, asked, each

PATIENCE_S = 30


class Stays(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Person(OAuth):
    """Gives a key on the page that is opened, and is sent back from there."""

    async def redirect_handler(self, authorization_url: str) -> None:
        threading.Thread(target=_agree, args=(authorization_url,), daemon=True).start()


def _agree(page: str) -> None:
    given = urlencode({"key": asked["person"], "answer": "yes"}).encode()
    try:
        build_opener(Stays).open(page, given)
    except HTTPError as sent:
        back = sent.headers["location"]
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:  # until the client listens
        try:
            urlopen(back).close()
            return
        except URLError:
            time.sleep(0.05)


async def use(url: str, tool: str, arguments: dict[str, Any]) -> Told:
    kind = SSETransport if url.endswith("/sse") else StreamableHttpTransport
    return await _used(Client(kind(url, headers=HEADERS)), tool, arguments)


async def by_oauth(url: str, tool: str, arguments: dict[str, Any]) -> Told:
    return await _used(Client(StreamableHttpTransport(url, auth=Person(url))), tool, arguments)


async def _used(client: Client[Any], tool: str, arguments: dict[str, Any]) -> Told:
    async with client:
        listed = await client.list_tools()
        called = await client.call_tool(tool, arguments)
        return len(listed), called.content[0].text


each(use, by_oauth)
