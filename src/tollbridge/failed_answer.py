"""`error.response`: what was answered with an error status, for programs that read it as httpx has it.

The text is the provider's words as they were read: of JSON, written anew; "" where nothing was said. Nothing here is
httpx's, which Tollbridge does not depend on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any


class Headers(Mapping[str, str]):
    """Names in lower case, found in any. One that came twice has both values, with a comma."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            name = name.lower()
            self._values[name] = f"{self._values[name]}, {value}" if name in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"


class FailedAnswer:
    """`body`: decoded, or the text where it was no JSON."""

    is_success = ok = False
    is_error = True

    def __init__(self, status_code: int, headers: Iterable[tuple[str, str]], body: Any) -> None:
        self.status_code = status_code
        self.headers = Headers(headers)
        self._body = body

    @property
    def text(self) -> str:
        if self._body is None or isinstance(self._body, str):
            return self._body or ""
        return json.dumps(self._body, ensure_ascii=False)

    @property
    def content(self) -> bytes:
        return self.text.encode()

    @property
    def reason_phrase(self) -> str:
        try:
            return HTTPStatus(self.status_code).phrase
        except ValueError:  # one of the vendor's own, such as 529
            return ""

    def json(self) -> Any:
        """Raises JSONDecodeError where it is none."""
        return json.loads(self.text)

    def read(self) -> bytes:
        return self.content

    def __repr__(self) -> str:
        return f"<Response [{self.status_code} {self.reason_phrase}]>".replace(" ]", "]")
