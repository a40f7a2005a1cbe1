"""What `/` tells: to a program that this is a gateway, to a person in a browser what to do next.

Anybody may read it: it is the same at each gateway, whatever that serves, and loads nothing from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.calls.headers import Header

DOCS = "docs/index.md of its source, or `make docs` for a site"
JSON = msgspec.json.encode({"name": "tollbridge", "models": "/v1/models", "mcp": "/mcp", "docs": DOCS})
HTML = b"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tollbridge</title>
<style>
:root { color-scheme: light dark }
body { font: 1em/1.5 system-ui, sans-serif; max-width: 44em; margin: 3em auto; padding: 0 1em }
dt { font-weight: bold; margin-top: 0.8em }
</style>
<h1>Tollbridge</h1>
<p>A gateway to language models and MCP servers runs here. It answers programs; there is nothing to click.</p>
<dl>
<dt>A key</dt>
<dd>The admin's was told when the gateway first started, and is kept in <code>~/.tollbridge/master_key</code>, unless
the configuration names another. <code>tollbridge keys generate</code> makes one for somebody else.</dd>
<dt>Models</dt>
<dd><code>GET /v1/models</code> with the header <code>Authorization: Bearer KEY</code> lists them.</dd>
<dt>SDKs</dt>
<dd>OpenAI's: this address and <code>/v1</code> as <code>base_url</code>. Anthropic's and Gemini's: this address.</dd>
<dt>MCP clients</dt>
<dd>This address and <code>/mcp</code>, with the same header.</dd>
<dt>A first question</dt>
<dd><code>tollbridge chat --gateway ADDRESS --model NAME</code></dd>
<dt>Something is wrong</dt>
<dd><code>tollbridge check config.yaml</code> and <code>tollbridge doctor</code>, where the gateway runs.</dd>
<dt>Documentation</dt>
<dd><code>docs/index.md</code> of Tollbridge's source; <code>make docs</code> there makes a site of it.</dd>
</dl>
</html>
"""
_COMMON = ((b"vary", b"accept"),)
_JSON = (*_COMMON, (b"content-type", b"application/json"))
_HTML = (
    *_COMMON,
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def front_page(asked: Mapping[bytes, bytes]) -> tuple[tuple[Header, ...], bytes]:
    """`asked`: the request's headers. Only browsers say that they take HTML."""
    return (_HTML, HTML) if b"text/html" in asked.get(b"accept", b"") else (_JSON, JSON)
