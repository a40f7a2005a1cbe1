"""What is to be said about a configuration, each with its place, in the manner of a compiler."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from tollbridge.config.masking import mask

Severity = Literal["error", "warning"]


class Place(msgspec.Struct, frozen=True):
    """Lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1

    @classmethod
    def read(cls, said: str) -> Place:
        """What `str` of one gave."""
        file, line, column = said.rsplit(":", 2)
        return cls(file, int(line), int(column))

    def __str__(self) -> str:
        return _on_one_line(f"{self.file}:{self.line}:{self.column}")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`path`: the key in the file (`router_settings.num_retries`), or empty. Never shows the value of a secret."""

    severity: Severity
    message: str
    file: str
    line: int
    column: int
    path: str = ""

    def __str__(self) -> str:
        about = f"{self.path}: " if self.path else ""
        return _on_one_line(f"{self.file}:{self.line}:{self.column}: {self.severity}: {about}{self.message}")


def _on_one_line(text: str) -> str:
    """Whatever a file is called, or says: a terminal obeys none of it."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


class Findings:
    """Collects; says nothing twice, though an anchor may be used in many places. `errors`: how often one was said."""

    def __init__(self) -> None:
        self.errors = 0
        self._found: dict[tuple[str, int, int, str], Finding] = {}
        self._places: set[Place] = set()
        self._files: list[str] = []

    def error(self, place: Place, message: str, path: str = "") -> None:
        self.errors += 1
        self._add("error", place, message, path)

    def warning(self, place: Place, message: str, path: str = "") -> None:
        self._add("warning", place, message, path)

    def add(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._add(
                finding.severity, Place(finding.file, finding.line, finding.column), finding.message, finding.path
            )

    def told(self, place: Place) -> bool:
        """Whether something was said of exactly this place."""
        return place in self._places

    @property
    def fatal(self) -> bool:
        return any(finding.severity == "error" for finding in self._found.values())

    def all(self) -> tuple[Finding, ...]:
        """In the order of the files as they were met, then of lines."""
        order = {file: index for index, file in enumerate(self._files)}
        return tuple(
            sorted(self._found.values(), key=lambda finding: (order[finding.file], finding.line, finding.column))
        )

    def _add(self, severity: Severity, place: Place, message: str, path: str) -> None:
        message, path = mask(message), mask(path)
        self._places.add(place)
        if place.file not in self._files:
            self._files.append(place.file)
        self._found.setdefault(
            (place.file, place.line, place.column, message),
            Finding(
                severity=severity, message=message, file=place.file, line=place.line, column=place.column, path=path
            ),
        )
