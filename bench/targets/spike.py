"""The design's sketch of the hot path (`../shared/spike/full_gw.py`), where that folder is at hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.scenarios import Scenario
from bench.targets.target import Launch, Site

SPIKE = Path(__file__).resolve().parents[2] / "../shared/spike"
KEY = "sk-test"
START = """
import json, os, runpy, sys
site = json.loads(sys.argv[1])
sys.path.insert(0, site["spike"])
import core
names = site["models"]
core.DEPLOY.clear(); core.HEADS.clear(); core.UPMODEL.clear()
head = "POST %s HTTP/1.1\\r\\nHost: 127.0.0.1:%d\\r\\nAuthorization: Bearer sk-upstream\\r\\n"
head = (head + "Content-Type: application/json\\r\\nContent-Length: ") % (core.PATH, site["upstream_port"])
for name in names:
    core.DEPLOY[name] = [("127.0.0.1", site["upstream_port"], name, 0.15e-6, 0.6e-6)]
    core.HEADS[name] = [head.encode()]
    core.UPMODEL[name] = [core.msgspec.Raw(core.enc(name))]
for digest in core.HASHED:
    core.HASHED[digest] = ("key_1", frozenset(names))
sys.argv = ["full_gw.py", str(site["port"]), str(site["workers"])]
runpy.run_path(os.path.join(site["spike"], "full_gw.py"), run_name="__main__")
"""


class Spike:
    name = "spike"
    about = "the design's sketch, full: auth, limits, budget, cost, spend record, metrics, log; no safety limits"
    slowness = 1
    accounts = False

    def missing(self) -> str | None:
        return None if (SPIKE / "full_gw.py").exists() else "../shared/spike is not at hand"

    def prepare(self) -> None:
        """Nothing: it is run where it lies."""

    def can(self, scenario: Scenario) -> bool:
        return scenario.client == scenario.upstream == "openai" and scenario.kind != "import"

    def launch(self, site: Site) -> Launch:
        models = [scenario.name for scenario in site.scenarios]
        told = {"spike": str(SPIKE.resolve()), "models": models, "port": site.port, "workers": site.workers}
        argv = [sys.executable, "-B", "-c", START, json.dumps({**told, "upstream_port": site.upstream_port})]
        env = {"SPIKE_OUT": str(site.directory)}
        return Launch(argv=argv, headers={"authorization": f"Bearer {KEY}"}, env=env)
