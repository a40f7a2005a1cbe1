"""The laws over recordings that no test counts: each difference with the exchange it is in, and no end at the first.

TOLLBRIDGE_RECORDINGS=DIR python -m tests.wires.all_laws      see `tests.wires.cassettes`
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.shared import recordings
from tests.wires import laws
from tests.wires.anthropic_messages.forms import FORMS as MESSAGES_FORMS
from tests.wires.every_exchange import reader_of
from tests.wires.gemini.forms import FORMS as GEMINI_FORMS
from tests.wires.openai_chat.forms import FORMS as CHAT_FORMS
from tests.wires.openai_responses.forms import FORMS as RESPONSES_FORMS
from tests.wires.test_cross_wire import CASES, WIRES, crosses_answer, crosses_request, crosses_stream, exchanges_of

FORMS = {
    "openai_chat": CHAT_FORMS,
    "anthropic_messages": MESSAGES_FORMS,
    "openai_responses": RESPONSES_FORMS,
    "gemini": GEMINI_FORMS,
}


def checks(name: str, request: Any, answer: Any, stream: bytes | None) -> Iterator[tuple[str, Callable[[], object]]]:
    wire, forms = WIRES[name], FORMS[name]
    others = [(other, WIRES[other]) for other in WIRES if other != name]
    if isinstance(request, dict):
        yield "request comes back", partial(laws.round_trip_request, wire, request, forms)
        for other, into in others:
            yield f"request to {other}", partial(crosses_request, wire, into, request)
    if isinstance(answer, dict):
        yield "answer comes back", partial(laws.round_trip_response, wire, answer, forms)
        for other, into in others:
            yield f"answer to {other}", partial(crosses_answer, wire, into, answer)
    if stream is not None:
        yield "stream reads back", partial(laws.reads_back, wire, stream, forms)
        yield "stream in pieces", partial(laws.splits_near_borders, wire, stream)
        for other, into in others:
            yield f"stream to {other}", partial(crosses_stream, wire, into, stream)


def main() -> int:
    unread = Counter(f"{one['provider']} {one['endpoint']}" for one in recordings() if reader_of(one) is None)
    if unread:
        print(f"read by no wire: {dict(unread)}")
    held: Counter[str] = Counter()
    broken = 0
    for name in WIRES:
        own = {case["name"] for case in laws.load_cases(CASES / name)}
        for id, request, answer, stream in exchanges_of(name):
            if id in own:
                continue
            for law, check in checks(name, request, answer, stream):
                try:
                    check()
                    held[law] += 1
                except Exception as error:  # noqa: BLE001 - the next one is looked at too
                    broken += 1
                    print(f"{id}: {law}: {type(error).__name__}: {str(error)[:500]}")
    print("\n".join(f"{count:6} {law}" for law, count in held.most_common()))
    print(f"{broken} that do not hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
