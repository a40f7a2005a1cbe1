"""What a request wants to be kept, or to go on from, between requests.

A provider that speaks the Responses format natively keeps answers itself, and its ids go there as they are. Where the
request is translated nobody keeps anything: to leave such a field out would be another request, so it is refused.
What is to run in the background is run so by a gateway with a database, which takes the wish out; elsewhere there is
nobody who could be asked for it again.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.calls.ask import Ask, field, is_true
from tollbridge.errors import BadRequestError
from tollbridge.wires.openai_responses.vocabulary import NAME, STATEFUL

_KEPT: Mapping[str, str] = {
    "previous_response_id": "Send the earlier input and output items again in `input`.",
    "conversation": "Send its items in `input`.",
    "prompt": "Send its messages in `input`.",
}


def check_served(ask: Ask, same: bool) -> None:
    """`same`: the dialect is the provider's own format. Raises BadRequestError."""
    if ask.dialect.name != NAME:
        return
    if "background" in ask.fields and is_true(ask.fields, "background"):
        raise BadRequestError(
            "Responses run in the background in a gateway that has a database, and nowhere else - at `$.background`. "
            "Leave it out, or stream.",
            param="background",
            code="unsupported_parameter",
        )
    if same:
        return
    for name in STATEFUL:
        if name in ask.fields and field(ask.fields, name) is not None:
            raise BadRequestError(
                f"The model `{ask.model}` keeps nothing between requests, so that there is nothing that `{name}` could "
                f"point at - at `$.{name}`. {_KEPT[name]}",
                param=name,
                code="unsupported_parameter",
            )
