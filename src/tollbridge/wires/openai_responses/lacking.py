"""What a target cannot read, though the format can say it; and the Caveats for what stays behind."""

from __future__ import annotations

from tollbridge.model.parts import Media, Part
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_part
from tollbridge.wires.base import Target
from tollbridge.wires.dialects import format_of
from tollbridge.wires.openai_responses.vocabulary import NAME

_FEATURE = {"image": "images", "audio": "audio", "video": "video"}


class Lacking:
    def __init__(self, to: Target, caveats: list[Caveat]) -> None:
        self._lacks = to.lacks
        self._caveats = caveats

    def lacks(self, part: Part, where: str, *, in_result: bool = False) -> bool:
        """Whether the target cannot read this part: said in a Caveat."""
        if not self._lacks or not isinstance(part, Media):
            return False
        feature = _FEATURE.get(part.media_type.partition("/")[0], "files")
        if feature not in self._lacks and not (in_result and "tool_images" in self._lacks):
            return False
        self.drop(where, f"{part.media_type}, which this target does not read here")
        return True

    def drop(self, where: str, what: str) -> None:
        self._caveats.append(unsent_part(where, what))


def foreign_signature(where: str, what: str, origin: str = "") -> Caveat:
    made = (
        f"was signed by {format_of(origin)}"
        if origin and origin != NAME
        else "bears no signature of this provider's account"
    )
    return Caveat(code="foreign_signature", where=where, detail=f"{what} {made}; it is not replayed.")
