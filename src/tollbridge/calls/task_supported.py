"""Which fields of a request for a task reach a model. As of a chat (`calls.supported`) no list of models is kept: each
field is written as it would be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from tollbridge.calls.deployment import Deployment
from tollbridge.calls.prepare import LOSSES
from tollbridge.calls.task_build import MODES
from tollbridge.calls.task_exchange import changed
from tollbridge.calls.task_wires import task_wire
from tollbridge.errors import APIError
from tollbridge.model.tasks.task import Upload
from tollbridge.providers.row import NO_CHAT
from tollbridge.wires.task import AnyProviderTaskWire, Content, Form


class Sample(msgspec.Struct, frozen=True):
    """`dialect`: of the clients that ask for the task. `least`: a request, and `fields`, what may be said besides; each
    is a text of the field `file` where it is a form."""

    dialect: str
    least: Mapping[str, Any]
    fields: Mapping[str, Any]
    file: str = ""


_IMAGE = {
    **{"n": "2", "size": "1024x1024", "quality": "high", "background": "opaque", "response_format": "b64_json"},
    **{"output_format": "png", "output_compression": "50", "user": "u"},
}
_HEARD = {"prompt": "x", "response_format": "json", "temperature": "0.5"}
SAMPLES: Mapping[str, Sample] = {
    "embeddings": Sample(
        "openai_embeddings",
        {"input": "x"},
        {"dimensions": 256, "encoding_format": "base64", "input_type": "query", "user": "u"},
    ),
    "rerank": Sample(
        "cohere_rerank",
        {"query": "x", "documents": ["a", "b"]},
        {"top_n": 1, "return_documents": True, "max_tokens_per_doc": 100},
    ),
    "moderations": Sample("openai_moderations", {"input": "x"}, {}),
    "speech": Sample(
        "openai_speech",
        {"input": "x", "voice": "alloy"},
        {"response_format": "mp3", "speed": 1.5, "instructions": "softly"},
    ),
    "transcriptions": Sample(
        "openai_transcriptions",
        {},
        {"language": "de", **_HEARD, "timestamp_granularities": "word"},
        file="file",
    ),
    "images": Sample(
        "openai_images", {"prompt": "x"}, {**_IMAGE, "n": 2, "output_compression": 50, "moderation": "low"}
    ),
    "image_edits": Sample("openai_image_edits", {"prompt": "x"}, {**_IMAGE, "input_fidelity": "high"}, file="image"),
}
_FILE = Upload("x", "image/png", b"x")


def task_of(deployment: Deployment) -> str | None:
    """The task that its model is for; None where that is a chat."""
    mode = "" if deployment.facts is None else deployment.facts.mode
    for task in SAMPLES:
        if (mode in MODES[task]) if mode else (deployment.wire.name == NO_CHAT and _does(deployment, task)):
            return task
    return None


def _does(deployment: Deployment, task: str) -> bool:
    try:
        deployment.task(task)
    except APIError:
        return False
    return True


def supported_in(deployment: Deployment, task: str) -> tuple[str, ...]:
    """Of the format in which the task is asked for. Nothing where it is not done."""
    try:
        spoken = deployment.task(task)
    except APIError:
        return ()
    sample = SAMPLES[task]
    return tuple(name for name, value in sample.fields.items() if _takes(spoken, sample, name, value))


def _takes(spoken: Deployment, sample: Sample, name: str, value: Any) -> bool:
    if spoken.wire.name == sample.dialect:
        return name not in spoken.drops
    said = {**sample.least, name: value}
    content: Content = said
    if sample.file:
        content = Form(((sample.file, _FILE), *((key, str(text)) for key, text in said.items())))
    wire = cast(AnyProviderTaskWire, spoken.wire)
    try:
        read = task_wire(sample.dialect).read_request(content)
        written = wire.write_request(read.value, spoken.target)
    except APIError:
        return False
    told = (*read.caveats, *written.caveats, *changed(written.value, spoken)[1])
    return not any(caveat.code in LOSSES and caveat.where == f"$.{name}" for caveat in told)
