"""Lines of the program's log, tracebacks among them, without whatever has the shape of a key."""

from __future__ import annotations

import logging

from tollbridge.secret import without_keys

LINE = "%(levelname)s %(name)s: %(message)s"


class MaskingFormatter(logging.Formatter):
    """Whatever an error says, and whoever wrote it."""

    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record))
