"""LiteLLM's proxy in a virtual environment of its own (about 1 GB; some minutes the first time)."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

from bench.scenarios import Scenario
from bench.targets.target import Launch, Site, cache_directory, new_key
from bench.targets.tollbridge import configuration


class LiteLLM:
    name = "litellm"
    about = "litellm[proxy], no database, one uvicorn worker"
    slowness = 4
    accounts = False

    def __init__(self) -> None:
        self._home = cache_directory("litellm")

    def missing(self) -> str | None:
        return None if self._program.exists() else "litellm[proxy] could not be installed by pip"

    @property
    def _program(self) -> Path:
        return self._home / "bin" / "litellm"

    def prepare(self) -> None:
        if not self._program.exists():
            print("bench: installing litellm[proxy] ...", file=sys.stderr)
            venv.create(self._home, with_pip=True)
            subprocess.run([self._home / "bin" / "pip", "install", "-q", "litellm[proxy]"], check=False)

    def can(self, scenario: Scenario) -> bool:
        return scenario.kind != "import"

    def launch(self, site: Site) -> Launch:
        key = new_key()
        config = site.directory / "litellm.yaml"
        config.write_text(json.dumps(configuration(site, key), indent=1))
        argv = [str(self._program), "--config", str(config), "--host", "127.0.0.1", "--port", str(site.port)]
        argv += ["--num_workers", str(site.workers), "--telemetry", "False"]
        env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
        return Launch(argv=argv, headers={"authorization": f"Bearer {key}"}, env=env, start_within_s=90.0)
