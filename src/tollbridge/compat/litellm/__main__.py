"""Runs a program whose `import litellm` is Tollbridge.

    python -m tollbridge.compat.litellm script.py [arguments]
    python -m tollbridge.compat.litellm -m package.module [arguments]

A `.env` in the working directory gives variables that are not set.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

from tollbridge.config.environment import read_dotenv
from tollbridge.config.findings import Findings


def main() -> None:
    words = sys.argv[1:]
    as_module = words[:1] == ["-m"]
    words = words[1:] if as_module else words
    if not words or words[0].startswith("-"):
        sys.exit(__doc__)
    findings = Findings()
    for name, value in read_dotenv(os.environ, findings, Path.cwd()).items():
        os.environ.setdefault(name, value)
    for finding in findings.all():
        print(finding, file=sys.stderr)
    sys.argv = words
    if as_module:
        sys.path.insert(0, str(Path.cwd()))
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(words[0]).resolve().parent))
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    main()
