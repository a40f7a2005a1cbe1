"""Vendors' own test suites, as their source distributions have them, against `tollbridge serve`.

The SDKs' tests of each method call it with every parameter and judge the answer by the SDK's types, loosely and
strictly. They are written for a mock that takes any value and has any id: `MENDED` says what is changed in the copy
that is run, so that what is asked can be answered, and streams are read to their end. Each suite runs before the
offline model, and before a second gateway that stands for a vendor of each format. LangChain's are its standard
integration tests (`python/standard`).

A failure that `NOT_OURS` explains is counted and told; any other, an answer of 500 or more, and a key in the log are
wrong. Nothing of a suite is kept in this repository.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tests.clients.others.programs import ENVIRONMENTS, HERE, Outcome, python, python_version
from tests.clients.running import PROVIDER_KEY, serving

PATIENCE_S = 1200
ID = '__import__("made").response'
"""A response that there is, in the place of an id that a mock would take."""
MADE = """
import json, os, urllib.request
def response(**more):
    body = json.dumps({"model": "hello", "input": "Hello", **more}).encode()
    asked = urllib.request.Request(os.environ["TEST_API_BASE_URL"] + "/responses", body)
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)["id"]
"""
READ_TO_THE_END = (
    (r"(?m)^( +)await (\w+)(?:\.response)?\.a?close\(\)", r"\1assert [item async for item in \2]"),
    (r"(?m)^( +)(\w+)(?:\.response)?\.close\(\)", r"\1assert list(\2)"),
)
_RESPONSES = r"(responses(?:\.with_\w+_response)?\.(?:create|compact)\("
_ASKED = 'model="hello", input="Hello"'
MENDED: dict[str, tuple[tuple[str, str], ...]] = {
    "openai": (
        *READ_TO_THE_END,
        (r"\b(max_tokens|max_completion_tokens)=0\b", r"\1=16"),
        (r"\blimit=0\b", "limit=1"),
        (r'\n +after="[^"]*",', ""),
        (r'previous_response_id="[^"]*"', f"previous_response_id={ID}()"),
        (r'\n +conversation="string",', ""),  # either this or the one before
        (r'comparison_response_id="[^"]*"|"comparison_response_id": "[^"]*",', ""),
        (r"\n +prompt=\{[^{}]*\{[^{}]*\}[^{}]*\},", ""),  # a template that an account keeps
        (r'\n +suffix="[^"]*",|\n +echo=True,|\n +best_of=0,', ""),  # of models that continue texts
        (r"\n +n=1,(?=\n +presence_penalty=-2,\n +seed)", ""),
        (r'(\.cancel\(\s*(?:response_id=)?)"(?:resp_\w+|response_id)"', rf"\1{ID}(background=True)"),
        (r'"resp_677efb5139a88190b512bc3fef8e535d"|"response_id"(?=,|\))', f"{ID}()"),
        (_RESPONSES + r")\)", rf"\1{_ASKED})"),
        (_RESPONSES + r")(\s+stream=True,\s+\))", rf"\1{_ASKED}, \2"),
        (_RESPONSES + r')(\s+model="[^"]*",\s+\))', r'\1input="Hello", \2'),
        (r"(input_tokens(?:\.with_\w+_response)?\.count\()\)", rf"\1{_ASKED})"),
    ),
    "anthropic": (*READ_TO_THE_END, (r'\n +(?:after|before)_id="[^"]*",', "")),
}
NOT_OURS: tuple[tuple[str, str], ...] = (
    (
        r"takes (?:POST|GET, HEAD)\.|There is no /v1/chat/completions/",
        "stored chats and deleting models are not served",
    ),
    (r"The events of this response are not kept", "a response that did not stream is asked for its events"),
    (r"gives no embeddings here", "the vendor's format has no embeddings"),
    (
        r"test_completions\S+overload_2\S*strict|test_completions\S*create\S*strict",
        "a chunk before the last has no end",
    ),
    (r"test_embeddings\S+strict", "the SDK asks for base64 and its type wants numbers"),
    (r"compact\w*\[", "OpenAI's own compacted answer has user's messages, its type none"),
    (r"test_json_mode\S* .*Invalid json output: This is Toll", "Anthropic's format has no JSON mode but in words"),
    (r"No provider that keeps files in this format", "nobody here keeps files"),
)
"""By what the test is called and what it said."""


class Suite(msgspec.Struct, frozen=True):
    """`root`: below the address, where its client begins. `paths`: what of the suite is run; of LangChain all. `reach`:
    the tests that a vendor sees something of, as pytest's -k has it; the others run before the offline model alone."""

    package: str
    environment: str
    root: str
    paths: tuple[str, ...]
    reach: str = ""
    options: tuple[str, ...] = ()


_API = "tests/api_resources/"
SUITES = (
    Suite(
        "openai",
        "openai_suite",
        "/v1",
        (
            f"{_API}chat/test_completions.py",
            *(f"{_API}test_{name}.py" for name in ("completions", "responses", "embeddings", "models")),
            *(f"{_API}{name}" for name in ("responses", "beta/test_responses.py", "beta/responses")),
        ),
        "create or compact or count",
    ),
    Suite(
        "anthropic",
        "anthropic_suite",
        "",
        tuple(_API + name for name in ("test_messages.py", "beta/test_messages.py", "test_models.py")),
        "create or count",
        ("-p", "tests._alias_httpx"),
    ),
    Suite(
        "langchain-tests",
        "langchain_suite",
        "",
        (),
        "",
        tuple(f"--override-ini=asyncio_default_{what}_loop_scope=session" for what in ("test", "fixture")),
    ),
)
UPSTREAMS = {
    "demo": "demo/hello",
    "OpenAI chat": "openai/gpt-4o",
    "OpenAI Responses": "openai/responses/gpt-5",
    "Anthropic Messages": "anthropic/claude-sonnet-4-5",
    "Gemini": "gemini/gemini-2.5-pro",
}


def run(only: str) -> Outcome:
    """Each whose package holds `only`, or all where it is `suites`."""
    chosen = [suite for suite in SUITES if only in f"{suite.package} suites"]
    outcome = Outcome(["suite", "version", *UPSTREAMS, "not ours"])
    outcome.missing = [suite.package for suite in chosen if not python(suite.environment).exists()]
    present = [suite for suite in chosen if python(suite.environment).exists()]
    if not present:
        return outcome
    with tempfile.TemporaryDirectory() as directory, _gateway("demo/hello", Path(directory), "vendor") as vendor:
        for suite in present:
            place = _copied(suite, Path(directory))
            if place is None:
                outcome.missing.append(f"the source of {suite.package}")
                continue
            cells, reasons = [], Counter[str]()
            for name, model in UPSTREAMS.items():
                with _gateway(model, Path(directory), name, vendor) as url:
                    told = _ran(suite, place, url, "" if name == "demo" else suite.reach)
                passed, not_ours, wrong = _judged(told)
                wrong += _logged(Path(directory) / name / "log.jsonl")
                outcome.asked += passed + len(wrong)
                outcome.wrong += [f"{suite.package} before {name}: {problem}" for problem in wrong]
                reasons.update(not_ours)
                cells.append(f"{passed} of {passed + len(wrong)}")
            version = python_version(suite.environment, suite.package)
            outcome.rows.append([suite.package, version, *cells, _listed(reasons)])
    return outcome


def _gateway(model: str, directory: Path, name: str, vendor: str = "") -> Any:
    """Any key is taken, and any model's name leads to `model`."""
    said: dict[str, Any] = {"model": model}
    if vendor and not model.startswith("demo/"):
        said |= {"api_base": f"{vendor}/v1" if model.startswith("openai/") else vendor, "api_key": PROVIDER_KEY}
    settings = {"general_settings": {"open_on_loopback": True}, "router_settings": {"disable_cooldowns": True}}
    place = directory / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    return serving(json.dumps({"model_list": [{"model_name": "*", "litellm_params": said}], **settings}), place)


def _copied(suite: Suite, directory: Path) -> Path | None:
    """The tests of the version that is installed, mended; None where the source is not to be had."""
    if not suite.paths:
        return Path(shutil.copytree(HERE / "python/standard", directory / "standard"))
    kept, version = ENVIRONMENTS / "sources", python_version(suite.environment, suite.package)
    archive = kept / f"{suite.package}-{version}.tar.gz"
    if not archive.exists():
        asks = ("-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(kept))
        done = subprocess.run([python(suite.environment), *asks, f"{suite.package}=={version}"], check=False)
        if done.returncode or not archive.exists():
            return None
    with tarfile.open(archive) as source:
        source.extractall(directory / "sources", filter="data")
    place = directory / "sources" / f"{suite.package}-{version}"
    for file in (place / _API).rglob("*.py"):
        text = file.read_text()
        for pattern, instead in MENDED[suite.package]:
            text = re.sub(pattern, instead, text)
        file.write_text(text)
    (place / "made.py").write_text(MADE)
    return place


def _ran(suite: Suite, place: Path, url: str, reach: str) -> list[dict[str, Any]]:
    """What the suite's own runner told of each test. Those of another HTTP client below the SDK are left out."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as outcomes:
        environ = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")} | {
            "TEST_API_BASE_URL": url + suite.root,
            "OUTCOMES": outcomes.name,
            "PYTHONPATH": f"{HERE / 'python'}:{place}",
        }
        asks = ("-m", "pytest", "-q", "-p", "told", "-p", "no:cacheprovider", "--override-ini=addopts=")
        bounds = (
            "--override-ini=asyncio_mode=auto",
            "--timeout=60",
            "-k",
            f"({reach or '_'}) and not aiohttp",
            *suite.options,
        )
        done = subprocess.run(
            [python(suite.environment), *asks, *bounds, *(suite.paths or ("chat_models.py",))],
            cwd=place,
            env=environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        told = [json.loads(line) for line in Path(outcomes.name).read_text().splitlines()]
        none = {"test": suite.package, "outcome": "failed", "error": f"no test ran: {done.stdout[-300:]}{done.stderr}"}
        return told or [none]


def _judged(told: list[dict[str, Any]]) -> tuple[int, list[str], list[str]]:
    """(how many passed, the reasons of those that are not ours, what is wrong)."""
    passed = sum(one["outcome"] == "passed" for one in told)
    not_ours: list[str] = []
    wrong: list[str] = []
    for one in told:
        if one["outcome"] != "failed":
            continue
        said = f"{one['test']} {one['error']}"
        reason = next((reason for pattern, reason in NOT_OURS if re.search(pattern, said)), None)
        if reason is not None:
            not_ours.append(reason)
        else:
            wrong.append(" ".join(said.split())[:400])
    return passed, not_ours, wrong


def _logged(log: Path) -> Iterator[str]:
    """Requests that ended in an error of the gateway's or the vendor's, and keys."""
    for line in log.read_text().splitlines():
        if PROVIDER_KEY in line:
            yield "the vendor's key stands in the log"
        if json.loads(line).get("status", 0) >= 500:
            yield f"in the log: {line[:300]}"


def _listed(reasons: Counter[str]) -> str:
    return "; ".join(f"{count}: {reason}" for reason, count in reasons.most_common()) or "none"
