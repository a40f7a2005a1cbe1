"""A person with a browser: opens pages, types keys into them, follows links, keeps cookies. Without scripts, as the
pages have none."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import aiohttp


@dataclass(frozen=True)
class Page:
    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def link(self) -> str:
        """Where its one link leads."""
        found = re.search(r'<a class="go"[^>]* href="([^"]+)"', self.text)
        assert found is not None, self.text
        return html.unescape(found[1])

    @property
    def location(self) -> str:
        return self.headers["location"]

    @property
    def answer(self) -> dict[str, str]:
        """What it tells the place that it sends to."""
        return dict(parse_qsl(urlsplit(self.location).query))


class Browser:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def open(self, url: str) -> Page:
        async with self._session.get(url, allow_redirects=False) as answer:
            return await _page(answer)

    async def send(self, url: str, **fields: str) -> Page:
        async with self._session.post(url, data=fields, allow_redirects=False) as answer:
            return await _page(answer)

    async def sign_in(self, url: str, key: str) -> Page:
        """By an invitation: to the authorization server, which lets everybody in, and back."""
        asked = await self.open(url)
        assert asked.status == 200, asked.text
        agreed = await self.send(url, key=key)
        assert agreed.status == 200, agreed.text
        back = await self.open(agreed.link)
        return await self.open(back.location)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    jar = aiohttp.CookieJar(unsafe=True)  # for an address without a name
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(session)


async def _page(answer: aiohttp.ClientResponse) -> Page:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Page(answer.status, await answer.text(), headers)
