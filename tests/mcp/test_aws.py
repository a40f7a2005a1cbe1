"""MCP servers in AWS, which take requests that are signed and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.aws import ACCESS_KEY, SECRET_KEY, Asked, is_signed
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import raw
from tests.mcp.test_credentials import GREETING, TOOLS
from tests.transport.upstream import Peer, Upstream, answer
from tollbridge.config.load import load
from tollbridge.errors import ConfigError

KEYS = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
SIGNED = {"auth_type": "aws_sigv4", "aws_region_name": "eu-west-1", **KEYS}
SECRETS = (ACCESS_KEY, SECRET_KEY, "session-of-aws")


class Server:
    """A legacy server that keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    async def __call__(self, peer: Peer) -> None:
        while (said := await peer.request()) is not None:
            head, _, body = said.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            method, target, _ = first.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            self.asked.append(Asked(method, target, headers, body))
            message = json.loads(body) if body else {}
            if "id" not in message:
                peer.send(answer(b"", status="202 Accepted" if body else "405 Method Not Allowed"))
                continue
            result = GREETING if message["method"] == "initialize" else TOOLS
            told = {"jsonrpc": "2.0", "id": message["id"], "result": result}
            peer.send(answer(json.dumps(told).encode(), "content-type: application/json"))


def at(upstream: Upstream, **said: Any) -> dict[str, Any]:
    url = f"http://127.0.0.1:{upstream.port}/runtimes/arn%3Aaws%3Abedrock-agentcore/invocations?qualifier=DEFAULT"
    return {"url": url, **SIGNED, **said}


@pytest.mark.parametrize(
    ("said", "signed_for"),
    [
        ({}, (ACCESS_KEY, "eu-west-1", "bedrock-agentcore")),
        ({"aws_service_name": "execute-api"}, (ACCESS_KEY, "eu-west-1", "execute-api")),
        ({"aws_session_token": "session-of-aws"}, (ACCESS_KEY, "eu-west-1", "bedrock-agentcore")),
    ],
)
async def test_each_request_is_signed_with_its_body(
    tmp_path: Path, said: dict[str, Any], signed_for: tuple[str, str, str]
) -> None:
    server = Server()
    async with Upstream(server) as upstream:
        async with gateway({"mcp_servers": {"one": at(upstream, **said)}}, tmp_path) as served:
            for modern in (True, False):
                async with raw(served.url, modern=modern) as one:
                    assert (await one.ask("one", "tools/list"))["result"]["tools"][0]["name"] == "echo"
            await shows_nothing(served)
    assert {asked.method for asked in server.asked} == {"POST", "GET"}
    assert all(is_signed(asked) and asked.signed_for == signed_for for asked in server.asked)
    assert {asked.headers.get("x-amz-security-token") for asked in server.asked} == {said.get("aws_session_token")}
    assert not any(secret in (tmp_path / "requests.log").read_text() for secret in SECRETS)


async def shows_nothing(served: Gateway) -> None:
    told = json.dumps(await served.get("/v1/mcp/server"))
    assert '"aws_sigv4"' in told
    assert not any(secret in told for secret in SECRETS)


async def test_a_credential_of_the_callers_takes_the_place_of_the_signature(tmp_path: Path) -> None:
    server = Server()
    async with Upstream(server) as upstream:
        async with gateway({"mcp_servers": {"one": at(upstream)}}, tmp_path) as served, raw(served.url) as one:
            await one.ask("one", "tools/list", headers={"x-mcp-auth": "mine"})
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer mine"}


async def test_a_server_that_is_added_over_the_api_is_signed_for_with_its_own_keys_alone(tmp_path: Path) -> None:
    server, config = Server(), {"general_settings": {"mcp_api_hosts": ["127.0.0.1"]}, **environment("AKIDOFTHEGATEWAY")}
    async with Upstream(server) as upstream, gateway(config, tmp_path) as served:
        said = {**at(upstream), "server_name": "late"}
        for lacking in KEYS:
            body = {name: value for name, value in said.items() if name != lacking} | {"aws_role_name": "arn:aws:x"}
            told = await served.post("/v1/mcp/server", body, status=422)
            assert "aws_secret_access_key" in told["error"]["message"]
        made = await served.post("/v1/mcp/server", {**said, **dict.fromkeys(KEYS), "credentials": KEYS}, status=201)
        shown = {"server_id": made["server_id"], "description": "x", **dict.fromkeys(KEYS)}
        assert (await served.send("PUT", "/v1/mcp/server", shown)).status == 202
        async with raw(served.url) as one:
            await one.ask("late", "tools/list")
        await shows_nothing(served)
    assert {asked.signed_for[0] for asked in server.asked} == {ACCESS_KEY}
    assert all(is_signed(asked) for asked in server.asked)


def environment(key: str) -> dict[str, Any]:
    said = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": "us-west-2"}
    return {"environment_variables": said}


async def test_who_signs_may_be_the_environments(tmp_path: Path) -> None:
    server = Server()
    async with Upstream(server) as upstream:
        said = {"url": f"http://127.0.0.1:{upstream.port}/mcp", "auth_type": "aws_sigv4"}
        config = {"mcp_servers": {"one": said}, **environment(ACCESS_KEY)}
        async with gateway(config, tmp_path) as served, raw(served.url) as one:
            await one.ask("one", "tools/list")
    assert {asked.signed_for for asked in server.asked} == {(ACCESS_KEY, "us-west-2", "bedrock-agentcore")}
    assert all(is_signed(asked) for asked in server.asked)


async def test_keys_that_cannot_be_had_are_told_in_the_log_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    server = Server()
    async with Upstream(server) as upstream:
        said = {name: value for name, value in at(upstream).items() if name not in KEYS}
        async with gateway({"mcp_servers": {"one": said}}, tmp_path) as served, raw(served.url) as one:
            told = await one.ask("one", "tools/list")
            assert told["error"]["message"].endswith("cannot be signed; the gateway's log tells why.")
    assert server.asked == []
    assert "no AWS credentials were found" in caplog.text


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"url": "https://x.example/mcp", "auth_type": "aws_sigv4", **KEYS}, "`aws_region_name` is missing"),
        ({"url": "https://x.example/mcp", **SIGNED, "aws_secret_access_key": None}, "two keys belong together"),
    ],
)
async def test_what_a_signature_needs_is_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], why: str
) -> None:
    for name in ("AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=why):
        async with gateway({"mcp_servers": {"one": said}}, tmp_path):
            pass


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ({"command": "x", "auth_type": "aws_sigv4"}, "`aws_sigv4` goes with a `url`"),
        ({"url": "https://x.example/mcp", **KEYS}, "nothing is signed without `auth_type: aws_sigv4`"),
    ],
)
def test_what_cannot_be_signed_is_found_by_check(tmp_path: Path, said: dict[str, Any], finding: str) -> None:
    (tmp_path / "config.yaml").write_text(json.dumps({"mcp_servers": {"one": said}}))
    assert finding in [found.message for found in load(tmp_path / "config.yaml", {}).findings]
