"""More traffic for the laws: cassettes that other projects publish, as exchanges of the form of `../shared/recordings`.
They are VCR's (Python, Ruby, Go) in YAML or Go's httprr, gzipped or not.

    python -m tests.wires.cassettes FOLDER ... --to DIR
    TOLLBRIDGE_RECORDINGS=DIR python -m tests.wires.all_laws

They are other people's data: DIR is not in the repository. Many source distributions of libraries have them.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import http.client
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import yaml

HOSTS = {
    r"^api\.openai\.com": "openai",
    r"^api\.anthropic\.com": "anthropic",
    r"generativelanguage\.": "gemini",
    r"aiplatform\.": "vertex",
    r"^bedrock-runtime": "bedrock",
    r"bedrock-mantle": "bedrock_mantle",
    r"openai\.azure\.com|cognitiveservices\.|services\.ai\.azure": "azure",
    r"cohere\.(com|ai)": "cohere",
    r":11434": "ollama",
    r"^api\.x\.ai": "xai",
    r"^ai-gateway\.vercel": "vercel_ai_gateway",
    r"^api\.z\.ai": "zai",
    r"\b(openrouter|mistral|deepseek|groq|huggingface|perplexity|cerebras|together|voyageai|replicate)\.": "",
    r"(databricks|snowflake|cloudflare)": "",
}
"""By host; "": the word that was found."""
ENDPOINTS = {
    r"/threads": None,
    r"/chat/completions$": "chat.completions",
    r"/responses$": "responses",
    r"/responses/input_tokens$": "responses.input_tokens",
    r"/responses/compact$": "responses.compact",
    r"/completions$": "completions",
    r"/embeddings$": "embeddings",
    r"/messages$": "messages",
    r"/messages/count_tokens$": "messages.count_tokens",
    r":(generateContent|streamGenerateContent|countTokens|batchEmbedContents|embedContent|predict)$": "",
    r"/(converse|converse-stream|invoke)$": "",
    r"/invoke-with-response-stream$": "invoke-stream",
    r"/v2/chat$": "v2.chat",
    r"/api/chat$": "api.chat",
    r"/api/generate$": "api.generate",
    r"/rerank$": "rerank",
}
"""By path; "": the word that was found, None: nothing of ours."""
KEPT_HEADERS = (
    "content-type",
    "accept",
    "anthropic-version",
    "anthropic-beta",
    "openai-beta",
    "retry-after",
    "request-id",
)
SIZE_MAX = 400_000
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def interactions(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data.startswith(b"httprr trace"):
        return list(_httprr(data))
    held = yaml.load(data, Loader)
    if not isinstance(held, dict):
        return []
    if "requests" in held:
        return [{"request": a, "response": b} for a, b in zip(held["requests"], held["responses"], strict=False)]
    return held.get("interactions") or held.get("http_interactions") or []


class _Wire:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._data)


def _httprr(data: bytes) -> Iterator[dict[str, Any]]:
    """A line with two lengths, a request and a response as HTTP/1.1 would send them."""
    at = data.index(b"\n") + 1
    while at < len(data):
        line = data.index(b"\n", at)
        sent, came = map(int, data[at:line].split())
        request, response = data[line + 1 : line + 1 + sent], data[line + 1 + sent : line + 1 + sent + came]
        at = line + 1 + sent + came
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(one.split(": ", 1) for one in lines if ": " in one)
        answer = http.client.HTTPResponse(_Wire(response.replace(b"HTTP/2.0 ", b"HTTP/1.1 ", 1)))  # type: ignore[arg-type]
        answer.begin()
        told = {"status": answer.status, "headers": dict(answer.getheaders()), "body": answer.read()}
        yield {"request": {"method": first.split()[0], "uri": first.split()[1], "headers": headers, "body": body}} | {
            "response": told
        }


def _headers(held: Any) -> dict[str, str]:
    found = {}
    for name, value in (held or {}).items():
        one = value[0] if isinstance(value, list) and value else value
        found[str(name).lower()] = one.decode() if isinstance(one, bytes) else str(one)
    return found


def _body(side: dict[str, Any], headers: dict[str, str]) -> bytes:
    if "parsed_body" in side:
        return json.dumps(side["parsed_body"]).encode()
    held = side.get("body")
    if isinstance(held, dict):
        if "base64_string" in held:
            return base64.b64decode(held["base64_string"])
        held = held.get("string")
    data = held.encode() if isinstance(held, str) else held or b""
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    if headers.get("content-encoding") == "deflate":
        return zlib.decompress(data)
    return bytes(data)


def _found(table: dict[str, Any], text: str) -> str | None:
    for pattern, name in table.items():
        if found := re.search(pattern, text):
            return found[1] if name == "" else name
    return None


def exchange(interaction: dict[str, Any], source: str, number: int) -> dict[str, Any] | None:
    """None where it is nothing that a wire could read."""
    request, response = interaction["request"], interaction["response"]
    url = request.get("uri") or request.get("url")
    place = urlparse(url)
    provider, endpoint = _found(HOSTS, place.netloc), _found(ENDPOINTS, place.path)
    if provider is None or endpoint is None:
        return None
    asked, told = _headers(request.get("headers")), _headers(response.get("headers"))
    sent, came = _body(request, asked), _body(response, told)
    status = response["status"]
    status = status["code"] if isinstance(status, dict) else response.get("code") or status
    url = re.sub(r"([?&]key=)[^&]*", "", url)
    made = hashlib.sha256(url.encode() + sent + b"|" + came).hexdigest()[:12]
    out: dict[str, Any] = {
        "id": f"{provider}-{endpoint.replace('.', '_')}-{made}",
        **{"source_path": source, "source_index": number, "provider": provider, "endpoint": endpoint},
        **{"method": request.get("method", "POST"), "url": url, "status": int(status), "features": []},
        "request_headers": {name: asked[name] for name in KEPT_HEADERS if name in asked},
        "response_headers": {name: told[name] for name in KEPT_HEADERS if name in told},
    }
    if len(sent) > SIZE_MAX or len(came) > SIZE_MAX:
        return None
    out["request_body"] = json.loads(sent) if sent else None
    out["model"] = out["request_body"].get("model") if isinstance(out["request_body"], dict) else None
    kind = told.get("content-type", "")
    if "amazon.eventstream" in kind:
        return out | {"response_base64": base64.b64encode(came).decode(), "stream_format": "aws-eventstream"}
    text = came.decode()
    if "event-stream" in kind or text.lstrip().startswith(("data:", "event:")):
        return out | {"response_text": text, "stream_format": "sse"}
    if "ndjson" in kind:
        return out | {"response_text": text, "stream_format": "ndjson"}
    if endpoint == "streamGenerateContent":
        return out | {"response_text": text, "stream_format": "json-array"}
    return out | {"response_body": json.loads(text)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--to", required=True, type=Path)
    given = parser.parse_args()
    rows: dict[str, dict[str, Any]] = {}
    passed_over: Counter[str] = Counter()
    for folder in given.folders:
        for path in sorted(one for one in folder.rglob("*") if re.search(r"\.(ya?ml|httprr)(\.gz)?$", one.name)):
            try:
                for number, interaction in enumerate(interactions(path)):
                    made = exchange(interaction, str(path.relative_to(folder)), number)
                    if made is None or made["id"] in rows:
                        passed_over["of no use, or there already"] += 1
                        continue
                    file = f"{made['provider']}/{made['id']}.json"
                    (given.to / made["provider"]).mkdir(parents=True, exist_ok=True)
                    (given.to / file).write_text(json.dumps(made, indent=1))
                    kept = ("id", "provider", "endpoint", "model", "status", "features")
                    rows[made["id"]] = {name: made[name] for name in kept} | {"file": file}
                    rows[made["id"]]["stream_format"] = made.get("stream_format")
            except Exception as error:  # noqa: BLE001 - other people's files: one that cannot be read is counted
                passed_over[type(error).__name__] += 1
    given.to.mkdir(parents=True, exist_ok=True)
    (given.to / "INDEX.json").write_text(json.dumps(list(rows.values()), indent=1))
    print(f"{len(rows)} exchanges; passed over: {dict(passed_over)}")
    for (provider, endpoint), count in Counter(
        (row["provider"], row["endpoint"]) for row in rows.values()
    ).most_common():
        print(f"{count:6} {provider} {endpoint}")


if __name__ == "__main__":
    main()
