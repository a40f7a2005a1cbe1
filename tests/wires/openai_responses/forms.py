"""The normal forms of the Responses format: what the laws forgive, and why."""

from __future__ import annotations

from typing import Any

from tests.wires.laws import NormalForm


def _ids_alone(answer: Any) -> Any:
    for choice in answer["choices"]:
        for part in choice["parts"]:
            if part["type"] == "thinking" and part["signature"]:
                part["signature"] = "signed"
    return answer


FORMS = (
    NormalForm(
        "signed_anew",
        "the last event of a stream has the reasoning encrypted once more, or under another id: either may come back",
        answer=_ids_alone,
    ),
)
OWN_FORMS: tuple[NormalForm, ...] = ()
