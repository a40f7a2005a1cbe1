"""Soaks: long runs with faults, bounded in time and count, on loopback. What a test shows once is shown here often.

    python -m bench.soak                       all of them, some five minutes each
    python -m bench.soak server --minutes 1    one of them, shorter
    python -m bench.soak --requests 1000000 --minutes 60

Each prints its figures and what was wrong; the exit status is 1 where something was. A soak is a function of `Bounds`
and a directory to work in; it enters `SOAKS`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.soak import kills, limits, programs, server
from bench.soak.outcome import Bounds, Outcome

SOAKS: Mapping[str, Callable[[Bounds, Path], Outcome]] = {
    "server": server.soak,
    "kills": kills.soak,
    "programs": programs.soak,
    "limits": limits.soak,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("soaks", nargs="*", choices=[[], *SOAKS], metavar="NAME", help=f"of {', '.join(SOAKS)}")
    parser.add_argument("--minutes", type=float, default=5.0, help="the longest that each may take (5)")
    parser.add_argument("--requests", type=int, default=1_000_000, help="the most that each may ask (1,000,000)")
    parser.add_argument("--seed", type=int, default=1, help="of the mix of faults")
    options = parser.parse_args()
    bounds = Bounds(seconds=options.minutes * 60, requests=options.requests, seed=options.seed)
    wrong = False
    for name in options.soaks or SOAKS:
        with tempfile.TemporaryDirectory(prefix=f"soak-{name}-") as directory:
            outcome = SOAKS[name](bounds, Path(directory))
        print(f"{name}\n{outcome.shown()}", flush=True)
        wrong = wrong or bool(outcome.problems)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
