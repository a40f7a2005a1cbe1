"""`litellm.pre_call_rules` and `post_call_rules`: functions of a program's that judge what is said and what
is answered.

A rule gets the text and gives a bool, or `{"decision": bool, "message": why}`. What a rule does not pass is an
APIResponseValidationError, as LiteLLM's. The text of a stream is not there before it ends: with rules for answers a
stream raises NotBuilt, before anybody is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tollbridge.compat.litellm.absent import not_built
from tollbridge.compat.litellm.settings import Settings
from tollbridge.exceptions import APIResponseValidationError

CONVERSATIONS = ("completion", "acompletion")
Rule = Callable[[str], Any]


class Rules:
    """Those of the settings, for one call."""

    def __init__(self, settings: Settings, call_type: str, stream: bool) -> None:
        judged = call_type in CONVERSATIONS
        self._before: Sequence[Rule] = settings.get("pre_call_rules") if judged else ()
        self._after: Sequence[Rule] = settings.get("post_call_rules") if judged else ()
        if self._after and stream:
            raise not_built("post_call_rules", "Check what a stream said when it has ended.")

    def check_said(self, said: Mapping[str, Any]) -> None:
        if self._before:
            _check(self._before, "".join(_text(one) for one in said.get("messages") or ()))

    def check_answered(self, response: Any) -> None:
        if self._after:
            for choice in response.choices:
                _check(self._after, _text(choice.message))


def _check(rules: Sequence[Rule], text: str) -> None:
    for rule in rules:
        judged = rule(text)
        passed, why = (judged.get("decision"), judged.get("message")) if isinstance(judged, Mapping) else (judged, None)
        if passed is False:
            name = getattr(rule, "__name__", "a rule")
            raise APIResponseValidationError(f"{name} did not pass it{f': {why}' if why else ''}.")


def _text(message: Any) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, Mapping))
    return content or ""
