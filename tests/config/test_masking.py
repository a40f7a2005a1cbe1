from __future__ import annotations

import pytest

from tollbridge.config.masking import mask, mask_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("got 'sk-proj-abcdefghijklmnop'", "got '***'"),
        ("https://user:pw@host:8000/mcp/s3cret/sse?k=v", "https://host:8000/***"),
        ("'https://host/'", "'https://host/'"),
        ("redis://:pw@cache:6379", "redis://cache:6379"),
        ("nothing to hide: openai/gpt-4o", "nothing to hide: openai/gpt-4o"),
        ("write sqlite:////path", "write sqlite:////path"),
    ],
)
def test_keys_and_the_private_parts_of_urls_are_masked(text: str, shown: str) -> None:
    assert mask(text) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  api_key: abc", "  api_key: ***"),
        ("  api_key: os.environ/OPENAI_API_KEY", "  api_key: os.environ/OPENAI_API_KEY"),
        ('  {model: a, api_key: "a, b", timeout: 3}', "  {model: a, api_key: ***, timeout: 3}"),
        ("  Authorization: Bearer abc def", "  Authorization: ***"),
        ("  client_secret: 'unclosed", "  client_secret: ***"),
        ("  max_tokens: 100", "  max_tokens: 100"),
        ("  input_cost_per_token: 3, api_key: abc", "  input_cost_per_token: 3, api_key: ***"),
        ("  output_cost_per_audio_token: 3", "  output_cost_per_audio_token: 3"),
        ("  the_cost_of_token: 3", "  the_cost_of_token: ***"),
        ("  master_key:", "  master_key:"),
        ("  needs_key: true", "  needs_key: true"),
        ("  allow_all_keys: False # why", "  allow_all_keys: False # why"),
        ("  {name: a, needs_key: no, api_key: abc}", "  {name: a, needs_key: no, api_key: ***}"),
        ("  api_key: null", "  api_key: null"),
        ("  password: 'true'", "  password: ***"),
        ("  password: truely", "  password: ***"),
        ("  password: 12345", "  password: ***"),
        ("AWS_SECRET_ACCESS_KEY: abc # why", "AWS_SECRET_ACCESS_KEY: ***# why"),
    ],
)
def test_a_line_shows_no_value_of_a_key_that_is_named_like_a_secret(line: str, shown: str) -> None:
    assert mask_line(line) == shown
