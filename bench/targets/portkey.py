"""Portkey's open-source gateway from npm. It is told the upstream by headers; it checks no key."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from bench.scenarios import Scenario
from bench.targets.target import Launch, Site, cache_directory

PACKAGE = "@portkey-ai/gateway"


class Portkey:
    name = "portkey"
    about = "@portkey-ai/gateway on node, one process"
    slowness = 2
    accounts = False

    def __init__(self) -> None:
        self._home = cache_directory("portkey")

    def missing(self) -> str | None:
        if not shutil.which("node"):
            return "node is not installed (Debian: apt-get install nodejs npm)"
        return None if self._program else f"{PACKAGE} could not be installed by npm"

    @property
    def _program(self) -> Path | None:
        package = self._home / "node_modules" / PACKAGE
        manifest = package / "package.json"
        if not manifest.exists():
            return None
        entry = msgspec.json.decode(manifest.read_bytes())["bin"]
        return package / (entry if isinstance(entry, str) else next(iter(entry.values())))

    def prepare(self) -> None:
        if shutil.which("npm") and not self._program:
            print(f"bench: installing {PACKAGE} ...", file=sys.stderr)
            self._home.mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "install", "--silent", "--prefix", self._home, PACKAGE], check=False)

    def can(self, scenario: Scenario) -> bool:
        return scenario.client == scenario.upstream == "openai" and scenario.kind not in ("import", "workers")

    def launch(self, site: Site) -> Launch:
        argv = ["node", str(self._program), f"--port={site.port}", "--headless"]
        upstream = f"http://127.0.0.1:{site.upstream_port}/v1"
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": upstream, "authorization": "Bearer sk-mock"}
        return Launch(argv=argv, headers=headers, env={"TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"})
