"""What a request for a task may use and cost at most, before anybody is asked.

Input: a token is at least one byte of the texts, and `MEDIUM_TOKENS` for each image; the file of a transcription is as
long as the least bitrate of speech allows. Other units follow from the request. Output, where the prices have tokens
for it: of an image `IMAGE_TOKENS`, of sound that is spoken `SPOKEN_TOKENS` a character, of a transcription what so much
sound can hold, of all else none.

Price: that of the dearest deployment. Those without a price do not count; where there are no others it is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.task_ask import TaskAsk
from tollbridge.catalog.unit_pricing import worst_of
from tollbridge.errors import APIError
from tollbridge.model.response import AUDIO_MS, CHARACTERS, IMAGES, Usage
from tollbridge.server.worst_case import AROUND_TOKENS, BYTES_PER_TOKEN, MEDIUM_TOKENS, Worst

IMAGE_TOKENS = 16_384
"""https://platform.openai.com/docs/guides/image-generation#cost-and-latency (seen 2026-11-26): 6,240 at the highest
quality of the largest usual size; others go up to twice as many."""
SPOKEN_TOKENS = 10
"""For each character: speech takes some 20 tokens a second, in which some 15 characters are said; the slowest speed is
a quarter of that."""
HEARD_TOKENS_PER_S = 32
"""Of sound: https://ai.google.dev/gemini-api/docs/audio (seen 2026-11-26); others have fewer."""
SAID_TOKENS_PER_S = 16


def worst_task(ask: Ask, deployments: Sequence[Deployment]) -> Worst:
    usage, output = _most(cast(TaskAsk, ask))
    prices = [worst_of(deployment.tariff, usage, output) for deployment in deployments]
    known = [price for price in prices if price is not None]
    nanousd = None if len(known) < len(prices) and not any(known) else max(known, default=None)
    return Worst(tokens=sum(map(len, cast(TaskAsk, ask).texts())) // BYTES_PER_TOKEN, nanousd=nanousd)


def _most(ask: TaskAsk) -> tuple[Usage, int]:
    """(what goes in, tokens that come out), at most."""
    try:
        asked = ask.asked().value
    except APIError:  # the provider will judge it
        return Usage(input=len(ask.body) + AROUND_TOKENS), 0
    units = asked.most_units
    seconds = units.get(AUDIO_MS, 0) / 1000
    images = units.get(IMAGES, 0)
    into = sum(len(text.encode()) for text in asked.texts) + AROUND_TOKENS
    into += MEDIUM_TOKENS * asked.media + int(seconds * HEARD_TOKENS_PER_S) + asked.tokens
    out = images * IMAGE_TOKENS + units.get(CHARACTERS, 0) * SPOKEN_TOKENS + int(seconds * SAID_TOKENS_PER_S)
    return Usage(input=into, units=units or None), out
