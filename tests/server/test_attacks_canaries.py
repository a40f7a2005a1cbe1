"""Rows S09, S35, S36 and S37 of the attack matrix, and "Done when" 6 of the ledger: 200 secrets, and 100 prompts with
their answers, go through every path of a real `tollbridge serve`. Afterwards everything that it wrote is searched, in
any spelling: the database with its write-ahead log, journals with what was damaged and refused, the request log, the
program's own words with its tracebacks, the metrics, what the command line shows, and each answer but those that show a
new key once.

Below: tests/server/test_attacks_secrets.py (each way in which a provider can tell a key), tests/server/test_canaries.py
(that the search finds).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from click.testing import CliRunner

from tests.server.canaries import Canaries
from tests.server.faults import CHAT, DONE, EVENTS_HEAD, LAST, MESSAGES, STOP, USAGE, ask, chunk, configuration, word
from tests.server.test_attacks_routes import forged
from tests.server.test_faults_processes import environment, free_port
from tests.transport.upstream import Peer, Upstream, answer, chunked
from tollbridge.cli import main
from tollbridge.home import new_key
from tollbridge.ledger.lines import read_lines, write_line
from tollbridge.observe import Record, Scribe

COUNT = "/v1/messages/count_tokens"
PRELUDE = """
from tollbridge.admin.key_routes import KeyDesk
from tollbridge.cli import main
from tollbridge.server.pipeline import Conversation

def faulty(method):
    async def tells(self, result):
        if self._record.model_requested.startswith("bug"):
            held = (self._inbound, self._ask, self._inbound.principal, self._held, self._trace, result.deployment)
            raise RuntimeError(f"a bug, with everything in its hand: {held!r}")
        await method(self, result)
    return tells

async def unblock(self, call):
    raise RuntimeError(f"a bug, with {call!r} {call.principal!r}")

Conversation._reply, Conversation._tell = faulty(Conversation._reply), faulty(Conversation._tell)
KeyDesk.unblock = unblock
main()
"""


class Telling:
    """An upstream that says in its errors whatever it was sent: target, headers, body. What it does stands in the
    model's name."""

    def __init__(self, says: str) -> None:
        self.says = says
        self.go_on = asyncio.Event()
        self.halted = 0

    async def __call__(self, peer: Peer) -> None:
        while (request := await peer.request()) is not None:
            how = re.search(rb'"model": ?"([a-z_]+)', request)
            await getattr(self, "answers" if how is None else how[1].decode())(peer, request)

    async def answers(self, peer: Peer, request: bytes) -> None:
        if b"/messages" in request.partition(b"\r\n")[0]:
            told = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
            usage = {"input_tokens": 3, "output_tokens": 2}
            body = json.dumps({**told, "content": [{"type": "text", "text": self.says}], "usage": usage})
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": self.says}, "finish_reason": "stop"}
            body = json.dumps({"id": "c1", "choices": [choice], "usage": USAGE})
        peer.send(answer(body.encode(), "content-type: application/json"))

    bug = answers

    async def streams(self, peer: Peer, request: bytes) -> None:
        peer.send(EVENTS_HEAD, chunked(word(self.says), STOP, chunk(choices=[], usage=USAGE), DONE), LAST)

    async def halts(self, peer: Peer, request: bytes) -> None:
        peer.send(EVENTS_HEAD, chunked(word(self.says)))
        self.halted += 1
        await self.go_on.wait()
        peer.send(chunked(STOP, chunk(choices=[], usage=USAGE), DONE), LAST)

    async def refuses(self, peer: Peer, request: bytes) -> None:
        error = {
            "error": {"message": request.decode("latin-1"), "type": "no", "code": "invalid_api_key", "param": None}
        }
        peer.send(answer(json.dumps(error).encode(), status="401 No"))

    async def fails(self, peer: Peer, request: bytes) -> None:
        peer.send(answer(b"<pre>" + request.replace(b"/", b"\\/") + b"</pre>", status="500 No"))

    async def breaks(self, peer: Peer, request: bytes) -> None:
        error = json.dumps({"error": {"message": request.decode("latin-1"), "type": "server_error"}}).encode()
        peer.send(EVENTS_HEAD, chunked(word(self.says), b"event: error\ndata: " + error + b"\n\n"), LAST)

    async def tears(self, peer: Peer, request: bytes) -> None:
        peer.send(EVENTS_HEAD, chunked(word(self.says)))
        await peer.sent()
        peer.reset()

    async def garbles(self, peer: Peer, request: bytes) -> None:
        peer.send(b"HTTP/1.1 999 " + request.replace(b"\r\n", b"  ") + b"\r\n\r\n")
        peer.close()


WAYS = ("answers", "streams", "refuses", "fails", "breaks", "tears", "garbles", "bug")
PLACES = ("literal", "environment", "query", "headers", "body")


def deployments(port: int, canaries: Canaries) -> tuple[str, dict[str, str]]:
    """A configuration whose providers' keys stand wherever they can stand, and the environment it speaks of."""
    environ, entries = {}, []
    for wire in ("openai", "anthropic"):
        for place in PLACES:
            name = f"CANARY_{wire}_{place}".upper()
            secret = environ[name] = canaries.fresh()
            base = f"http://127.0.0.1:{port}" + ("/v1" if wire == "openai" else "")
            for how in (*WAYS, "halts"):
                params: dict[str, Any] = {"model": f"{wire}/{how}", "api_base": base, "api_key": "no-key-at-all"}
                match place:
                    case "literal":
                        params["api_key"] = secret
                    case "environment":
                        params["api_key"] = f"os.environ/{name}"
                    case "query":
                        params["api_base"] = f"{base}?api_key={quote(secret, safe='')}"
                    case "headers":
                        params["extra_headers"] = {"x-subscription-key": secret}
                    case _:
                        params["extra_body"] = {"api_token": secret}
                entries.append({"model_name": f"{how}-{wire}-{place}", "litellm_params": params})
    general = {"metrics_token": canaries.fresh("metrics-"), "timeouts": {"first_byte_s": 2, "gap_s": 5}}
    router = {"num_retries": 0, "disable_cooldowns": True}
    return configuration(*entries, general=general, router=router), environ


class Gateway:
    """A process, everything it wrote, and everything it answered."""

    def __init__(self, directory: Path, environ: dict[str, str]) -> None:
        self.directory = directory
        self.home = directory / "home"
        self.environ = {**environment(self.home), **environ}
        self.answers: list[tuple[str, bytes]] = []
        self.port = free_port()
        self._starts = 0

    @asynccontextmanager
    async def serving(self, end: signal.Signals) -> AsyncIterator[aiohttp.ClientSession]:
        """Until the block ends, and with it the process, by this signal."""
        self._starts += 1
        said = self.directory / f"said.{self._starts}"
        with open(said, "wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", PRELUDE, "serve", "--config", "config.yaml", "--port", str(self.port)),
                *("--detailed_debug", "--log", "requests.log"),
                cwd=self.directory,
                env=self.environ,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
            )
        try:
            while b"Stop with Ctrl-C" not in said.read_bytes():
                assert process.returncode is None, said.read_text()
                await asyncio.sleep(0.02)
            async with aiohttp.ClientSession(f"http://127.0.0.1:{self.port}") as session:
                yield session
        finally:
            if process.returncode is None:
                process.send_signal(end)
            await process.wait()

    async def send(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        body: Any = None,
        *,
        shows: bool = False,
        **headers: str,
    ) -> Any:
        """The answer's JSON, or its text. `shows`: it shows a new key, once."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            async with session.request(method, path, json=body, headers=named) as told:
                content = await told.read()
                head = json.dumps(list(told.headers.items())).encode()
        except aiohttp.ClientError as error:
            return str(error)
        self.answers.append((f"{method} {path[:20]}: headers", head))
        if not shows:
            self.answers.append((f"{method} {path[:20]}", content))
        try:
            return json.loads(content)
        except ValueError:
            return content.decode("latin-1")

    def wrote(self) -> list[tuple[str, bytes]]:
        """Every file, but those that are secrets by their nature and its configuration."""
        secret = {"pepper", "reply_key", "seal_key", "master_key", "config.yaml"}
        files = [file for file in sorted(self.directory.rglob("*")) if file.is_file() and file.name not in secret]
        return [(str(file.relative_to(self.directory)), file.read_bytes()) for file in files]

    def commands(self, *lines: tuple[str, ...]) -> list[tuple[str, bytes]]:
        """What the command line shows."""
        runner, before = CliRunner(), Path.cwd()
        os.chdir(self.directory)
        try:
            found = []
            for line in lines:
                result = runner.invoke(main, [*line, "--config", "config.yaml"], env=self.environ)
                assert result.exit_code in (0, 1, 2), result.output
                assert result.exception is None or isinstance(result.exception, SystemExit)
                found.append((" ".join(line)[:20], result.output.encode()))
            return found
        finally:
            os.chdir(before)


async def test_s35_s37_no_secret_no_prompt_and_no_answer_stands_anywhere(tmp_path: Path) -> None:
    canaries, texts = Canaries(), Canaries()
    master = canaries.add(new_key())
    pepper = canaries.add(os.urandom(32).hex())
    says = texts.fresh("an answer ")
    telling = Telling(says)
    async with Upstream(telling) as upstream:
        text, environ = deployments(upstream.port, canaries)
        (tmp_path / "config.yaml").write_text(text)
        environ |= {"TOLLBRIDGE_MASTER_KEY": master, "TOLLBRIDGE_PEPPER": pepper}
        gateway = Gateway(tmp_path, environ)
        async with gateway.serving(signal.SIGKILL) as session:
            admin = {"authorization": f"Bearer {master}"}
            keys = await make_keys(gateway, session, admin, canaries)
            await manage_keys(gateway, session, admin, keys, canaries)
            await present_wrong_keys(gateway, session, keys, canaries)
            await ask_everything(gateway, session, keys, canaries, texts)
            await break_the_database(gateway, session, admin, keys)
            streams = await leave_streams_open(gateway, session, keys, telling, texts)
        for stream in streams:
            stream.close()
        damage(gateway.home / "journal")
        async with gateway.serving(signal.SIGTERM) as session:
            telling.go_on.set()
            await ask_everything(gateway, session, keys[:3], canaries, texts)
            token = json.loads(text)["general_settings"]["metrics_token"]
            metrics = await gateway.send(session, "GET", "/metrics", authorization=f"Bearer {token}")
            assert "tollbridge_requests_total" in metrics
            for path in ("/spend/logs", "/global/spend/keys", "/key/list?return_full_object=true&size=100"):
                await gateway.send(session, "GET", path, **admin)
            await gateway.send(session, "GET", "/spend/logs", authorization=f"Bearer {keys[0]}")
        for name in ("reply_key", "seal_key"):
            canaries.add((gateway.home / name).read_text().strip())
        shown = await asyncio.to_thread(
            gateway.commands,
            *(
                ("check",),
                ("keys", "list"),
                ("keys", "list", "--json"),
                ("keys", "info", keys[0]),
                ("keys", "block", keys[1]),
            ),
            *(("keys", "info", new_key()), ("spend", "--by", "key", "--format", "csv"), ("spend", "--format", "json")),
        )
    wrote = gateway.wrote()
    names = {name.rpartition("/")[2].rpartition(".")[2] for name, _ in wrote}
    assert names >= {"db", "damaged", "refused", "log"}, names
    said = b"".join(content for name, content in wrote if name.startswith("said"))
    assert said.count(b"Traceback") >= 4
    for mark in (b"a bug, with everything", b"a bug, with <Call", b"no such table: keys", b"IS DAMAGED"):
        assert mark in said
    assert canaries.count >= 200
    assert texts.count >= 100
    assert canaries.found([*wrote, *shown]) == set()
    told = {(where, which) for where, which in canaries.found(gateway.answers) if not which.startswith("idem-")}
    assert told == set(), "an Idempotency-Key goes to the provider, whose error may tell it to the client that sent it"
    assert texts.found([*wrote, *shown]) == set()
    assert {where for where, _ in texts.found(gateway.answers)}, "they were answered with"


async def make_keys(
    gateway: Gateway, session: aiohttp.ClientSession, admin: dict[str, str], canaries: Canaries
) -> list[str]:
    keys = []
    for n in range(60):
        own = canaries.fresh("sk-", "&%'=") if n % 3 == 0 else None
        made = await gateway.send(
            session, "POST", "/key/generate", {"key_alias": f"k{n}", "key": own}, shows=True, **admin
        )
        if n % 4 == 3:
            former = canaries.add(made["key"], made["key"][14:57])
            made = await gateway.send(session, "POST", "/key/regenerate", {"key": former}, shows=True, **admin)
        key = made["key"]
        if own is None or n % 4 == 3:
            canaries.add(key, key[14:57])
        keys.append(key)
    return keys


async def manage_keys(
    gateway: Gateway, session: aiohttp.ClientSession, admin: dict[str, str], keys: list[str], canaries: Canaries
) -> None:
    """By their text, which LiteLLM's clients do, and with texts where none belong."""
    for key in keys[40:44]:
        body = {"key": key}
        await gateway.send(session, "POST", "/key/update", {**body, "rpm_limit": 1000}, **admin)
        await gateway.send(session, "POST", "/key/update", {**body, key: 1}, **admin)
        await gateway.send(session, "POST", "/key/generate", {**body, "key_alias": "again"}, **admin)
        await gateway.send(session, "GET", f"/key/info?key={quote(key, safe='')}", **admin)
        await gateway.send(session, "GET", f"/key/info?key={quote(key, safe='')}", authorization=f"Bearer {keys[0]}")
        await gateway.send(session, "POST", "/key/unblock", body, **admin)
        await gateway.send(session, "POST", f"/key/{quote(key, safe='')}/reset_spend", {"reset_to": key}, **admin)
        await gateway.send(session, "GET", f"/key/{quote(key, safe='')}/nowhere", **admin)
        await gateway.send(session, "GET", f"/spend/logs?api_key={quote(key, safe='')}&request_id={key}", **admin)
        await gateway.send(session, "POST", "/key/delete", {"keys": [key, canaries.add(new_key())]}, **admin)
        await gateway.send(session, "POST", "/key/delete", {"keys": [key]}, **admin)


async def present_wrong_keys(
    gateway: Gateway, session: aiohttp.ClientSession, keys: list[str], canaries: Canaries
) -> None:
    wrong = [canaries.fresh(before) for before in ("sk-", "Basic ", "sk-ant-", "eyJhbGciOi.", "", "sk-tb-")]
    wrong += [canaries.add(key, key[14:57]) for key in (new_key(), forged(keys[1][6:14]))]
    for key in (*wrong, keys[40], keys[41]):
        for header in ("authorization", "x_api_key", "api_key", "x_goog_api_key", "x_litellm_api_key"):
            await gateway.send(session, "POST", CHAT, ask("answers-openai-literal"), **{header: key})
        await gateway.send(session, "GET", f"/v1/models?key={quote(key, safe='')}", cookie=f"key={quote(key)}")
    await gateway.send(session, "POST", CHAT, ask(), authorization=keys[0], x_api_key=keys[1])


async def ask_everything(
    gateway: Gateway, session: aiohttp.ClientSession, keys: list[str], canaries: Canaries, texts: Canaries
) -> None:
    """Each way in which a request can end, at each place of a provider's key, in both dialects, with whatever clients
    send along."""
    count = 0
    for wire in ("openai", "anthropic"):
        for place in PLACES:
            for how in WAYS:
                count += 1
                path = (CHAT, MESSAGES)[count % 2]
                body = ask(
                    f"{how}-{wire}-{place}", text=texts.fresh("a prompt "), stream=how in ("streams", "breaks", "tears")
                )
                headers = {"x_litellm_api_key": keys[count % len(keys)]}
                if count % 3 == 0:
                    headers |= {"authorization": f"Bearer {canaries.fresh()}", "cookie": f"session={canaries.fresh()}"}
                if count % 3 == 1:
                    headers |= {"idempotency_key": canaries.fresh("idem-"), "x_custom_token": canaries.fresh()}
                await gateway.send(session, "POST", path, body, **headers)
                if count % 3 == 1:
                    await gateway.send(session, "POST", path, body, **headers)
    own = keys[0]
    pasted = ask(own, user=own, metadata={"a": [own], "tags": [own]}, tags=[own], text=texts.fresh())
    who = {"authorization": f"Bearer {own}", "user_agent": f"curl {own}", "x_litellm_tags": own}
    for body in (pasted, {**pasted, "model": "answers-openai-literal"}, {**pasted, "model": "refuses-openai-literal"}):
        for path in (CHAT, MESSAGES, COUNT, f"/engines/{quote(own, safe='')}/chat/completions"):
            await gateway.send(session, "POST", path, body, x_litellm_session_id=own, **who)
    await gateway.send(session, "GET", f"/v1/models/{quote(own, safe='')}", **who)
    await gateway.send(session, "POST", f"/{quote(own, safe='')}", pasted, **who)


async def break_the_database(
    gateway: Gateway, session: aiohttp.ClientSession, admin: dict[str, str], keys: list[str]
) -> None:
    """A statement that fails is a bug of ours: a traceback."""
    file = gateway.home / "tollbridge.db"
    for before, after in (("keys", "gone"), ("gone", "keys")):
        with closing(sqlite3.connect(file, timeout=20)) as connection:
            connection.execute(f"ALTER TABLE {before} RENAME TO {after}")
        if after == "gone":
            await gateway.send(session, "GET", f"/key/info?key={quote(keys[5], safe='')}", **admin)
            await gateway.send(session, "POST", f"/key/{quote(keys[5], safe='')}/reset_spend", {"reset_to": 0}, **admin)
            await gateway.send(session, "POST", "/key/generate", {"key": keys[6] + "x" * 20}, **admin)
            await gateway.send(session, "POST", CHAT, ask(), authorization=f"Bearer {keys[7]}")


async def leave_streams_open(
    gateway: Gateway, session: aiohttp.ClientSession, keys: list[str], telling: Telling, texts: Canaries
) -> list[aiohttp.ClientResponse]:
    """Some are left by their clients, the others are there when the process is killed."""
    streams = []
    for n, place in enumerate(PLACES):
        body = ask(f"halts-openai-{place}", stream=True, text=texts.fresh())
        told = await session.post(CHAT, json=body, headers={"authorization": f"Bearer {keys[n]}"})
        await told.content.readany()
        if n % 2:
            told.close()
        else:
            streams.append(told)
    await gateway.send(session, "POST", CHAT, ask("answers-openai-literal", text=texts.fresh()), authorization=keys[0])
    return streams


def damage(journal: Path) -> None:
    """Of the entries that the killed process left one is flipped, and one is what no database can keep."""
    [file] = [file for file in journal.glob("*.journal") if file.stat().st_size]
    with open(file, "rb") as stream:
        entry = next(found for found in read_lines(stream) if isinstance(found, Record))
    line = write_line(Scribe().again(entry))
    entry.id, entry.status = entry.id[:-1] + ("0" if entry.id[-1] != "0" else "1"), 2**63
    with open(file, "ab") as stream:
        stream.write(line[:40] + b"~" + line[41:] + write_line(Scribe().again(entry)))
