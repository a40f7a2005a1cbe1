"""Where a path that is passed through leads (S17, S22)."""

from __future__ import annotations

import pytest

from tollbridge.errors import AuthenticationError, BadRequestError
from tollbridge.providers.resolve import Given
from tollbridge.providers.root import names_of, root_at, root_of, target, without
from tollbridge.providers.table import ROWS

VERTEX = Given(api_key="k", extra={"vertex_project": "p", "vertex_location": "us-east1"})
AZURE = Given(api_key="k", api_base="https://n.openai.azure.com")


def led(provider: str, path: str, query: str = "", given: Given | None = None) -> str:
    root = root_of(ROWS[provider], given or Given(api_key="k"), {}, ROWS)
    return f"{root.host}{target(root, path, query)}"


@pytest.mark.parametrize(
    ("provider", "path", "expected"),
    [
        ("openai", "v1/files", "api.openai.com/v1/files"),
        ("openai", "files", "api.openai.com/v1/files"),
        ("openai", "v2/x", "api.openai.com/v2/x"),
        ("openai", "v1/files/", "api.openai.com/v1/files/"),
        ("openai", "v1/models/ft:a/ü b", "api.openai.com/v1/models/ft:a/%C3%BC%20b"),
        ("groq", "openai/v1/models", "api.groq.com/openai/v1/models"),
        ("groq", "v1/models", "api.groq.com/openai/v1/models"),
        ("groq", "models", "api.groq.com/openai/v1/models"),
        ("zai", "api/paas/v4/models", "api.z.ai/api/paas/v4/models"),
        ("deepinfra", "v1/openai/models", "api.deepinfra.com/v1/openai/models"),
        ("anthropic", "v1/messages", "api.anthropic.com/v1/messages"),
        ("gemini", "v1beta/files", "generativelanguage.googleapis.com/v1beta/files"),
        ("gemini", "v1/models", "generativelanguage.googleapis.com/v1/models"),
        ("gemini", "upload/v1beta/files", "generativelanguage.googleapis.com/upload/v1beta/files"),
        ("assemblyai", "v2/transcript", "api.assemblyai.com/v2/transcript"),
        ("assemblyai_eu", "v2/transcript/t1", "api.eu.assemblyai.com/v2/transcript/t1"),
    ],
)
def test_a_path_leads_where_the_vendor_has_it(provider: str, path: str, expected: str) -> None:
    assert led(provider, path) == expected


@pytest.mark.parametrize(
    ("provider", "base", "path", "expected"),
    [
        ("openai", "http://h:1/team/v1", "v1/files", "h/team/v1/files"),
        ("openai", "http://h:1/team/v1", "files", "h/team/v1/files"),
        ("gemini", "http://h:1/team/v1beta", "upload/v1beta/files", "h/team/upload/v1beta/files"),
        ("anthropic", "http://h:1/v1", "v1/messages", "h/v1/messages"),
        ("assemblyai", "http://h:1/v1", "v2/transcript", "h/v2/transcript"),
    ],
)
def test_an_operators_prefix_stays_in_front(provider: str, base: str, path: str, expected: str) -> None:
    assert led(provider, path, given=Given(api_key="k", api_base=base)) == expected


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("openai/deployments/d/audio/speech", "", "/openai/deployments/d/audio/speech?api-version=2025-02-01-preview"),
        ("openai/files", "a=1&api-version=7", "/openai/files?a=1&api-version=7"),
        ("openai/v1/files", "", "/openai/v1/files"),
    ],
)
def test_azure_wants_a_version(path: str, query: str, expected: str) -> None:
    assert led("azure", path, query, AZURE) == "n.openai.azure.com" + expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("v1beta1/projects/p/locations/us-east1/x:predict", "/v1beta1/projects/p/locations/us-east1/x:predict"),
        ("publishers/google/models/g:predict", "/v1/projects/p/locations/us-east1/publishers/google/models/g:predict"),
        ("v1beta1/cachedContents", "/v1beta1/projects/p/locations/us-east1/cachedContents"),
    ],
)
def test_a_path_of_vertex_stays_in_its_project(path: str, expected: str) -> None:
    assert led("vertex_ai", path, given=VERTEX) == "us-east1-aiplatform.googleapis.com" + expected


@pytest.mark.parametrize(
    "path", ["v1/projects/q/locations/us-east1/x", "v1/projects/p/locations/eu/x", "projects/p", "v1/projects/p"]
)
def test_s17_and_leads_to_no_other(path: str) -> None:
    with pytest.raises(BadRequestError, match="leads out"):
        led("vertex_ai", path, given=VERTEX)


@pytest.mark.parametrize(
    "path",
    [
        *("..", "../x", "a/../b", "a/..", "./x", "a/./b", "..;/x", "a/..;x/b"),
        *("/x", "//evil/x", "a//b", "https://evil/x", "a\\..\\b", "a\nb", "a\0b"),
    ],
)
@pytest.mark.parametrize("given", [Given(api_key="k"), Given(api_key="k", api_base="http://h/team/v1")])
def test_s22_nothing_leads_out(path: str, given: Given) -> None:
    with pytest.raises(BadRequestError) as refused:
        led("openai", path, given=given)
    assert refused.value.code == "path_not_confined"


def test_without_a_key_there_is_no_root() -> None:
    with pytest.raises(AuthenticationError):
        root_of(ROWS["openai"], Given(), {}, ROWS)


def test_a_url_of_the_operators_own_is_a_root() -> None:
    root = root_at("search", "https://h:8/a/v2/", ())
    assert [target(root, path) for path in ("", "x", "x/y")] == ["/a/v2", "/a/v2/x", "/a/v2/x/y"]


def test_the_names_are_those_that_are_in_use() -> None:
    assert names_of(ROWS["openai"]) == ("openai", "aiohttp_openai", "text-completion-openai", "openai_passthrough")
    assert "vertex-ai" in names_of(ROWS["vertex_ai"])


def test_a_callers_key_is_taken_out_of_a_query() -> None:
    assert without("a=1&key=sk%2Dx&b=%20", frozenset({"sk-x"})) == "a=1&b=+"
    assert without("a=%7E", frozenset({"sk-x"})) == "a=%7E", "what is not touched stays as it is"
