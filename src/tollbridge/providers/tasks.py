"""Who does which task, in which format and where. Credentials and headers are those of the row.

A provider of OpenAI's chat format is taken to speak OpenAI's formats of the tasks as well, and Cohere's of ranking,
which servers of that kind have: it says so itself where it does not. `TASKS` has those who are another matter, by
provider and task; None is a task that it does not do. Where the format hangs on the model, the first pattern that is
in its name counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tollbridge.providers.auth import Auth, Bearer
from tollbridge.providers.row import NO_CHAT, Provider

CHAT = "openai_chat"


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """`path`: put to the base, as `Provider.chat_path` is; `own_path`: the same on a server of the operator's own.
    `beside`: the end of the chat's path, and what is there for the task.
    `base_url`: where it is another than for chat; `strips`: ends of an address that was written for chat. `models`: for
    names that have this in them. `any_model`: also those that the catalog knows to be for chat."""

    wire: str
    path: str = ""
    beside: tuple[str, str] | None = None
    own_path: str = ""
    base_url: str = ""
    strips: tuple[str, ...] = ()
    auth: Auth | None = None
    renames: Mapping[str, str] = {}
    drops: frozenset[str] = frozenset()
    models: re.Pattern[str] = re.compile("")
    any_model: bool = False


ALIKE: Mapping[str, Spoken] = {
    "embeddings": Spoken(wire="openai_embeddings", path="/embeddings"),
    "completions": Spoken(wire="openai_completions", path="/completions"),
    "rerank": Spoken(wire="cohere_rerank", path="/rerank"),
    "moderations": Spoken(wire="openai_moderations", path="/moderations"),
    "speech": Spoken(wire="openai_speech", path="/audio/speech"),
    "transcriptions": Spoken(wire="openai_transcriptions", path="/audio/transcriptions"),
    "translations": Spoken(wire="openai_translations", path="/audio/translations"),
    "images": Spoken(wire="openai_images", path="/images/generations"),
    "image_edits": Spoken(wire="openai_image_edits", path="/images/edits"),
}

_OPENAIS = frozenset(how.wire for how in ALIKE.values()) - {"cohere_rerank"}
"""Formats in which a field has the name that it has in chat, so that who refuses it there refuses it here."""
_CHAT_PATH = "/chat/completions"
_COHERE = "https://api.cohere.com"
_COHERE_ENDS = ("/compatibility/v1", "/v2/chat", "/v1", "/v2")
_INVOKE = ("/converse", "/invoke")
_MISTRAL_DROPS = frozenset({"user"})  # it refuses what it does not know
_FIM = (
    Spoken(
        wire="mistral_fim",
        path="/fim/completions",
        models=re.compile("^codestral-(?!embed|mamba)"),
        any_model=True,
    ),
)

TASKS: Mapping[str, Mapping[str, tuple[Spoken, ...] | None]] = {
    # providers/demo.py
    "demo": {**dict.fromkeys(ALIKE), "embeddings": (ALIKE["embeddings"],)},
    # https://github.com/michaelfeil/infinity (seen 2026-11-26)
    "infinity": {"embeddings": (ALIKE["embeddings"],), "rerank": (ALIKE["rerank"],)},
    # https://docs.cohere.com/reference/embed, /reference/rerank (seen 2026-11-26)
    "cohere": {
        "embeddings": (
            Spoken(wire="cohere_embeddings", path="/v2/embed", base_url=_COHERE, strips=_COHERE_ENDS, auth=Bearer()),
        ),
        "rerank": (
            Spoken(wire="cohere_rerank", path="/v2/rerank", base_url=_COHERE, strips=_COHERE_ENDS, auth=Bearer()),
        ),
    },
    # https://docs.voyageai.com/reference/embeddings-api, /reference/reranker-api (seen 2026-11-26)
    "voyage": {
        "embeddings": (Spoken(wire="voyage_embeddings", path="/embeddings"),),
        "rerank": (Spoken(wire="voyage_rerank", path="/rerank"),),
    },
    # https://api.jina.ai/redoc (seen 2026-11-26)
    "jina_ai": {
        "embeddings": (Spoken(wire="jina_embeddings", path="/embeddings"),),
        "rerank": (Spoken(wire="cohere_rerank", path="/rerank"),),
    },
    # https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded (seen 2026-11-26)
    "deepgram": {"transcriptions": (Spoken(wire="deepgram_listen", path="/listen"),)},
    # https://elevenlabs.io/docs/api-reference (seen 2026-11-26)
    "elevenlabs": {
        "speech": (Spoken(wire="elevenlabs_speech", path="/text-to-speech"),),
        "transcriptions": (Spoken(wire="elevenlabs_transcriptions", path="/speech-to-text"),),
    },
    # https://docs.aws.amazon.com/polly/latest/dg/API_SynthesizeSpeech.html (seen 2026-11-27)
    "aws_polly": {"speech": (Spoken(wire="polly_speech", path="/v1/speech"),)},
    # the sources of their rows (seen 2026-11-27)
    "recraft": {"images": (ALIKE["images"],)},
    "stability": {"images": (Spoken(wire="stability_images", path="/stable-image/generate"),)},
    "fal_ai": {"images": (Spoken(wire="fal_images", path="/"),)},
    # https://docs.mistral.ai/api (seen 2026-11-26), and recorded exchanges
    "mistral": {
        "embeddings": (
            Spoken(
                wire="openai_embeddings",
                path="/embeddings",
                renames={"dimensions": "output_dimension"},
                drops=_MISTRAL_DROPS,
            ),
        ),
        "completions": _FIM,
        "moderations": (Spoken(wire="mistral_moderations", path="/moderations"),),
        "speech": (Spoken(wire="mistral_speech", path="/audio/speech"),),
        "rerank": None,
        "translations": None,
        "images": None,
        "image_edits": None,
    },
    # https://docs.mistral.ai/capabilities/code_generation (seen 2026-11-27)
    "codestral": {**dict.fromkeys(ALIKE), "completions": _FIM},
    # https://ai.google.dev/api/embeddings, https://ai.google.dev/gemini-api/docs/imagen (seen 2026-11-26)
    "gemini": {
        "embeddings": (Spoken(wire="gemini_embeddings", path="/models/{model}:batchEmbedContents"),),
        "images": (
            Spoken(wire="imagen_images", path="/models/{model}:predict", models=re.compile("^imagen")),
            Spoken(wire="gemini_images", path="/models/{model}:generateContent"),
        ),
        "image_edits": (Spoken(wire="gemini_images", path="/models/{model}:generateContent"),),
    },
    # https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api (seen 2026-11-26)
    "vertex_ai": {
        "embeddings": (
            Spoken(wire="gemini_embed_content", path=":embedContent", models=re.compile("^gemini-embedding-[2-9]")),
            Spoken(wire="vertex_embeddings", path=":predict"),
        ),
        "images": (
            Spoken(wire="imagen_images", path=":predict", models=re.compile("^imagen")),
            Spoken(wire="gemini_images", path=":generateContent"),
        ),
        "image_edits": (Spoken(wire="gemini_images", path=":generateContent"),),
    },
    # https://api-docs.deepseek.com/api/create-completion (seen 2026-11-26)
    "deepseek": {
        "completions": (
            Spoken(
                wire="openai_completions", path="/completions", base_url="https://api.deepseek.com/beta", any_model=True
            ),
        )
    },
    # https://docs.ollama.com/api/embed (seen 2026-11-26)
    "ollama": {
        "embeddings": (Spoken(wire="ollama_embeddings", path="/api/embed", strips=("/v1",)),),
        "completions": (Spoken(wire="openai_completions", path="/v1/completions", any_model=True),),
    },
    # https://huggingface.github.io/text-embeddings-inference/ (seen 2026-11-26)
    "huggingface": {
        "embeddings": (
            Spoken(
                wire="tei_embeddings",
                path="/models/{model}/pipeline/feature-extraction",
                own_path="/embed",
                base_url="https://router.huggingface.co/hf-inference",
                strips=("/v1",),
            ),
        ),
        "rerank": (
            Spoken(
                wire="tei_rerank",
                path="/models/{model}/rerank",
                own_path="/rerank",
                base_url="https://router.huggingface.co/hf-inference",
                strips=("/v1",),
            ),
        ),
    },
    # https://docs.perplexity.ai/api-reference/embeddings-post (seen 2026-11-26), and a recorded exchange
    "perplexity": {"embeddings": (Spoken(wire="perplexity_embeddings", path="/v1/embeddings"),)},
    # https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html (seen 2026-11-26), recorded exchanges
    "bedrock": {
        "embeddings": (
            Spoken(wire="titan_embeddings", beside=_INVOKE, models=re.compile(r"amazon\.titan-embed")),
            Spoken(wire="nova_embeddings", beside=_INVOKE, models=re.compile(r"amazon\.nova")),
            Spoken(wire="bedrock_cohere_embeddings", beside=_INVOKE, models=re.compile(r"cohere\.embed")),
        ),
        "rerank": (Spoken(wire="bedrock_rerank", beside=_INVOKE, models=re.compile("rerank")),),
    },
}


COMPLETES_ALL = frozenset(
    {"hosted_vllm", "together_ai", "fireworks_ai", "openrouter", "deepinfra", "llama_cpp", "lm_studio"}
)
"""Those who continue a text with any model that they have. Of the others (OpenAI, Azure ...) only some models do."""


def formats(row: Provider) -> list[str]:
    """Those in which it can be asked, its own first: of who has no chat those of its tasks."""
    if row.wire == NO_CHAT:
        return [how.wire for several in TASKS[row.name].values() for how in several or ()]
    return [row.wire, *row.also]


def spoken(row: Provider, task: str, model: str) -> Spoken | None:
    """How a provider does a task with this model; None where it does not."""
    own = TASKS.get(row.name, {})
    if task in own:
        return next((one for one in own[task] or () if one.models.search(model)), None)
    alike = ALIKE.get(task)
    if row.wire != CHAT or row.place is not None or alike is None:
        return None
    if task == "completions" and row.name in COMPLETES_ALL:
        alike = msgspec.structs.replace(alike, any_model=True)
    before, chat, _ = row.path.rpartition(_CHAT_PATH)
    return msgspec.structs.replace(alike, path=before + alike.path) if chat and before else alike


def for_task(row: Provider, how: Spoken, *, own_address: bool) -> Provider:
    """The row as it is for a task. What it says of messages is of chat and does not hold. `own_address`: the
    operator says where it is."""
    return msgspec.structs.replace(
        row,
        wire=how.wire,
        base_url=how.base_url or row.base_url,
        bare_path="" if how.base_url or how.strips else row.bare_path,
        chat_path=(how.own_path if own_address else "") or how.path,
        stream_path="",
        also={},
        auth=how.auth or row.authentication,
        headers=row.fixed_headers,
        drops=how.drops | (row.drops if how.wire in _OPENAIS else frozenset()),
        renames=how.renames,
        lacks=frozenset(),
        prefers={},
        patches=(),
        models=(),
        qualifies="",
        count_tokens=False,
        openai_at="",
        place=None,
        plain=False,
    )
