"""The few pages that a person sees: self-contained, without a script, everything escaped, kept by nobody, framed by
nobody, and no page that is gone to from here is told whence."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

import msgspec

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;color:#1a1a1a;"
    "background:#fff}h1{font-size:1.3rem}p{margin:.8rem 0;overflow-wrap:anywhere}input{font:inherit;width:100%;"
    "box-sizing:border-box;padding:.5rem;margin:.3rem 0 1rem}button,a.go{font:inherit;padding:.5rem 1.2rem;border:0;"
    "border-radius:.3rem;background:#1a1a1a;color:#fff;text-decoration:none;margin-right:.5rem;cursor:pointer}"
    "button.no{background:#ddd;color:#1a1a1a}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}button,a.go{background:#eee;color:#161616}}"
)
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def headers(form_to: str = "") -> list[tuple[bytes, bytes]]:
    """`form_to`: where a form may lead besides ourselves."""
    policy = (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self' {form_to}; frame-ancestors 'none'; "
        "base-uri 'none'"
    )
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", policy.encode("latin-1", "replace")),
        (b"referrer-policy", b"same-origin"),  # `no-referrer` would have forms sent with `Origin: null`
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
    ]


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """Sent by POST to the page's own address. `hidden`: what goes along; `key`: asks for a gateway key; `refuse`: the
    word of a button that says no."""

    submit: str
    hidden: tuple[tuple[str, str], ...] = ()
    key: bool = True
    refuse: str = ""


def page(title: str, lines: Sequence[str], *, form: Form | None = None, link: tuple[str, str] | None = None) -> bytes:
    """`link`: (URL, what it says)."""
    body = "".join(f"<p>{escape(line)}</p>" for line in lines)
    if form is not None:
        fields = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in form.hidden
        )
        if form.key:
            fields += (
                '<label>Your gateway key<input type="password" name="key" autocomplete="off" spellcheck="false"'
                " autofocus></label>"
            )
        buttons = f'<button name="answer" value="yes">{escape(form.submit)}</button>'
        if form.refuse:
            buttons += f'<button class="no" name="answer" value="no" formnovalidate>{escape(form.refuse)}</button>'
        body += f'<form method="post">{fields}{buttons}</form>'
    if link is not None:
        body += f'<p><a class="go" rel="noreferrer" href="{escape(link[0])}">{escape(link[1])}</a></p>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    ).encode()
