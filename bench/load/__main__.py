"""`python -m bench.load`: one job from stdin, its outcome to stdout."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from bench.load.generator import run
from bench.load.jobs import Job
from bench.mock_upstream import fast_loop


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    with asyncio.Runner(loop_factory=fast_loop) as runner:
        outcome = runner.run(run(job))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
