"""Requests signed one by one: keys are fetched in a thread, by one fetch for all, and anew before they end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.aws import ACCESS_KEY, SECRET_KEY, Asked, is_signed
from tollbridge.calls.signing import Signatures
from tollbridge.errors import APIConnectionError
from tollbridge.providers.aws_keys import AwsAccount, Keys
from tollbridge.secret import Secret
from tollbridge.transport.base import Origin, Outgoing

ACCOUNT = AwsAccount(provider="bedrock", service="bedrock", region="us-east-1")
REQUEST = Outgoing(
    origin=Origin("https", "bedrock-runtime.us-east-1.amazonaws.com", 443),
    method="POST",
    target="/model/amazon.nova-pro-v1%3A0/converse",
    headers=(("content-type", "application/json"),),
    body=b"{}",
    head=b"encoded before",
)


class Office:
    """Gives keys that end at `ends`; while `open` is not set, whoever asks waits."""

    def __init__(self, ends: float = 1000.0) -> None:
        self.ends = ends
        self.open = threading.Event()
        self.open.set()
        self.visits: list[str] = []
        self.failure: Exception | None = None

    def fetch(self) -> Keys:
        self.visits.append(threading.current_thread().name)
        self.open.wait(10)
        if self.failure is not None:
            raise self.failure
        return Keys(ACCESS_KEY, Secret(SECRET_KEY), Secret(f"token-{len(self.visits)}"), self.ends)


def arrived(request: Outgoing) -> Asked:
    return Asked(
        request.method, request.target, {"host": request.origin.authority, **dict(request.headers)}, request.body
    )


async def test_what_is_sent_is_signed_and_its_head_made_anew() -> None:
    signed = await Signatures(ACCOUNT, Office().fetch, lambda: 0.0).shown(REQUEST)
    assert is_signed(arrived(signed))
    assert signed.head == b""
    assert (signed.body, signed.target) == (REQUEST.body, REQUEST.target)


async def test_requests_at_once_wait_for_one_fetch_in_a_thread_of_its_own() -> None:
    office = Office()
    office.open.clear()
    signatures = Signatures(ACCOUNT, office.fetch, lambda: 0.0)
    waiting = [asyncio.ensure_future(signatures.shown(REQUEST)) for _ in range(5)]
    await asyncio.sleep(0)  # the loop goes on meanwhile
    assert not any(one.done() for one in waiting)
    office.open.set()
    assert all(is_signed(arrived(one)) for one in await asyncio.gather(*waiting))
    assert len(office.visits) == 1
    assert office.visits != [threading.current_thread().name]


async def test_keys_that_end_soon_are_used_while_others_are_fetched() -> None:
    office, now = Office(ends=1000.0), 0.0
    signatures = Signatures(ACCOUNT, office.fetch, lambda: now)
    await signatures.shown(REQUEST)
    now = 800.0
    office.ends = 5000.0
    office.open.clear()
    signed = dict((await signatures.shown(REQUEST)).headers)  # nobody opened: it did not wait
    assert signed["x-amz-security-token"] == "token-1"
    office.open.set()
    now = 995.0  # too late for the old ones
    signed = dict((await signatures.shown(REQUEST)).headers)
    assert signed["x-amz-security-token"] == "token-2"


async def test_a_failure_is_told_to_who_waits_and_tried_again_by_the_next() -> None:
    office = Office()
    office.failure = APIConnectionError("AWS could not be asked.")
    signatures = Signatures(ACCOUNT, office.fetch, lambda: 0.0)
    with pytest.raises(APIConnectionError):
        await signatures.shown(REQUEST)
    office.failure = None
    assert is_signed(arrived(await signatures.shown(REQUEST)))


async def test_the_secrets_of_the_moment_are_hidden() -> None:
    signatures = Signatures(ACCOUNT, Office().fetch, lambda: 0.0)
    assert signatures.secrets == ()
    await signatures.shown(REQUEST)
    assert signatures.secrets == (SECRET_KEY, "token-1")
