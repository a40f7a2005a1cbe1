"""`wrk`, for saturation: it costs a fifth of what a generator in Python costs on the core that the mock shares."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from bench.load.jobs import Outcome, Saturate

SCRIPT = """
local file = io.open({body}, "rb")
wrk.method = "POST"
wrk.body = file:read("*all")
file:close()
wrk.headers["Content-Type"] = "application/json"
{headers}
{turns}
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n{{"requests":%d,"us":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\\n',
    summary.requests, summary.duration, e.connect, e.read, e.write, e.status, e.timeout))
end
"""


TURNS = """
local turns, turn = {{}}, 0
function init(args)
  for key in io.lines({keys}) do
    wrk.headers["authorization"] = "Bearer " .. key
    turns[#turns + 1] = wrk.format()
  end
end
function request()
  turn = turn % #turns + 1
  return turns[turn]
end
"""


def installed() -> bool:
    return shutil.which("wrk") is not None


def saturate(job: Saturate, directory: Path) -> Outcome:
    aim = job.aim
    body, script = directory / "wrk-body", directory / "wrk.lua"
    body.write_bytes(aim.body)
    headers = "\n".join(f"wrk.headers[{json.dumps(k)}] = {json.dumps(v)}" for k, v in aim.headers.items())
    keys = directory / "wrk-keys"
    keys.write_text("\n".join(aim.keys))
    turns = TURNS.format(keys=json.dumps(str(keys))) if len(aim.keys) > 1 else ""
    script.write_text(SCRIPT.format(body=json.dumps(str(body)), headers=headers, turns=turns))
    argv = ["wrk", "-t1", f"-c{job.connections}", f"-d{job.seconds:.0f}", "--timeout", "20", "-s", str(script)]
    argv.append(f"http://127.0.0.1:{aim.port}{aim.path}")
    done = subprocess.run(argv, capture_output=True, text=True, timeout=job.seconds + 60, check=True)
    told = json.loads(done.stdout.strip().rpartition("\n")[2])
    errors = {name: told[name] for name in ("connect", "read", "write", "status", "timeout") if told[name]}
    return Outcome(requests=told["requests"], seconds=told["us"] / 1e6, errors=errors)
