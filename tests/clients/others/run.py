"""`make clients`: clients that take minutes to install, through `tollbridge serve`.

    python -m tests.clients.others.run [--only WORD] [--markdown]

`models.py` has SDKs and frameworks, `agents.py` coding agents, `tools.py` clients of MCP, `assistants.py` the programs
of examples/ with frameworks, `suites.py` vendors' own test suites. What could not be installed is said and left out.
The exit status is 1 where a client held something else than it should, or where none was asked.
"""

from __future__ import annotations

import argparse
import sys

from tests.clients.others import agents, assistants, models, suites, tools
from tests.shared import SHARED


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", metavar="WORD", help="clients whose name or format holds it")
    parser.add_argument("--markdown", action="store_true", help="print the tables for the documentation")
    options = parser.parse_args()
    if not SHARED.exists():
        print("make clients needs ../shared/recordings, beside the repository.", file=sys.stderr)
        return 1
    asked, wrong = 0, 0
    for part in (models, agents, tools, assistants, suites):
        outcome = part.run(options.only)
        if outcome.rows:
            print(outcome.table(markdown=options.markdown), end="\n\n", flush=True)
        for problem in outcome.wrong:
            print(problem, file=sys.stderr)
        for client in outcome.missing:
            print(f"{client} is not installed: left out", file=sys.stderr)
        asked += outcome.asked
        wrong += len(outcome.wrong)
    print(f"{asked - wrong} of {asked} cases as they should be", file=sys.stderr)
    return 1 if wrong or not asked else 0


if __name__ == "__main__":
    sys.exit(main())
