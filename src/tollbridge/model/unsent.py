"""The Caveats of what a request goes without. The same facts make both sentences of each: what is told where the rest
was sent (`detail`), and what is told where it is refused for the loss (`refused`): there nothing was left out."""

from __future__ import annotations

from tollbridge.model.response import Caveat

MARK = ".cache_control"
"""How a place ends that is a cache mark's, and nothing else of what bears it."""
CACHES_ITSELF = "this provider caches prompts in its own way"


def unsent_field(name: str, why: str) -> Caveat:
    return Caveat(
        code="dropped_param",
        where=f"$.{name}",
        detail=f"`{name}` was left out: {why}.",
        refused=f"`{name}` is not taken: {why}",
    )


def unsent_part(where: str, what: str, to: str = "", code: str = "dropped_part") -> Caveat:
    """`to`: whose request it is, as the sentences name them."""
    return Caveat(
        code=code,
        where=where,
        detail=f"Left out of the request to {to}: {what}." if to else f"Left out: {what}.",
        refused=f"{to} does not take this: {what}" if to else f"This is not taken: {what}",
    )


def unsent_thing(where: str, thing: str, why: str = "", code: str = "dropped_part") -> Caveat:
    """`thing`: the subject of the sentence, in the singular."""
    because = why and f": {why}"
    return Caveat(
        code=code, where=where, detail=f"{thing} was left out{because}.", refused=f"{thing} cannot be sent{because}"
    )


def mark_at(where: str) -> str:
    """The place of the cache mark of what stands at a place."""
    return where if where.endswith(MARK) else where + MARK


def unsent_marks(where: str, marks: int, why: str) -> Caveat:
    """`where`: what bears the first."""
    return Caveat(
        code="dropped_param",
        where=mark_at(where),
        detail=f"{marks} cache marks were left out: {why}.",
        refused=f"{marks} cache marks cannot be sent: {why}",
    )


def unsent(code: str, where: str, fact: str) -> Caveat:
    """`fact`: a sentence that says why."""
    return Caveat(code=code, where=where, detail=f"{fact}; it was left out.", refused=fact)
