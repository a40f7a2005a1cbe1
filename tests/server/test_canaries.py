"""That the search of the canary tests finds what it looks for."""

import base64
import json
from urllib.parse import quote

import pytest

from tests.server.canaries import Canaries

SPELLED = {
    "as it is": lambda text: text,
    "in a URL": lambda text: quote(text, safe=""),
    "in JSON": json.dumps,
    "in JSON with slashes": lambda text: json.dumps({"a": [text]}).replace("/", "\\/"),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in the middle of base64": lambda text: base64.b64encode(f"user:{text}:more".encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(f"abcd{text}".encode()).decode(),
    "in hexadecimal": lambda text: text.encode().hex(),
    "in part": lambda text: text[5:28],
    "backwards": lambda text: text[::-1],
}


@pytest.mark.parametrize("how", SPELLED)
def test_a_secret_is_found_in_any_spelling(how):
    canaries = Canaries()
    secret, other = canaries.fresh("sk-"), canaries.fresh()
    sink = b"x" * 1000 + SPELLED[how](secret[3:]).encode() + b"y" * 1000
    assert canaries.found([("a", b"nothing"), ("b", sink)]) == {("b", secret)}
    assert canaries.count == 2
    assert other != secret
