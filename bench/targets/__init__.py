"""What is measured side by side. A target says what it lacks here, what it can do, and how it is started."""

from __future__ import annotations

from bench.targets.litellm import LiteLLM
from bench.targets.nginx import Nginx
from bench.targets.portkey import Portkey
from bench.targets.spike import Spike
from bench.targets.target import Target
from bench.targets.tollbridge import Tollbridge

TARGETS: dict[str, Target] = {target.name: target for target in (Nginx(), Tollbridge(), Spike(), LiteLLM(), Portkey())}
DEFAULT = ("nginx", "tollbridge")
