"""What `import tollbridge` costs, and the first `completion` after it: fresh interpreters, above an empty one."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

from bench.processes import at_start

IMPORT = "import tollbridge"
COMPLETION = (
    "import tollbridge; tollbridge.completion(model='openai/gpt-4o', "
    "messages=[{'role': 'user', 'content': 'hi'}], mock_response='hello')"
)
CLOCKED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"
RESIDENT = "import os; {}; print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE'))"


def measure_imports(cores: frozenset[int], times: int) -> tuple[dict[str, float], list[str]]:
    """Milliseconds and megabytes, medians of `times`; and what failed."""
    values: dict[str, float] = {}
    failed: list[str] = []
    for metric, statement in (("import_ms", IMPORT), ("completion_ms", COMPLETION)):
        ended = [interpret(CLOCKED.format(statement), cores) for _ in range(times + 1)][1:]  # the first writes bytecode
        if all(isinstance(value, float) for value in ended):
            values[metric] = median(value for value in ended if isinstance(value, float)) * 1000
        else:
            failed.append(f"{metric}: {next(value for value in ended if isinstance(value, str))}")
    loaded, empty = interpret(RESIDENT.format(IMPORT), cores), interpret(RESIDENT.format("pass"), cores)
    if isinstance(loaded, float) and isinstance(empty, float):
        values["import_mb"] = (loaded - empty) / 1e6
    return values, failed


def interpret(program: str, cores: frozenset[int]) -> float | str:
    """The number that a program prints, or the last line of what it said instead."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, preexec_fn=at_start(cores)
    )
    return float(done.stdout) if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no word"])[-1]
