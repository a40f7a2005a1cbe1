"""A file whose text takes another's place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace(file: Path, text: bytes) -> None:
    """The old file or the new one, whatever happens; with the mode that it had, and for its owner alone where there was
    none. Raises OSError."""
    target = file.resolve()
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(draft, target.stat().st_mode & 0o777 if target.exists() else 0o600)
        os.replace(draft, target)
    except BaseException:
        os.unlink(draft)
        raise
