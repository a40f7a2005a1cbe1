"""What a finished batch cost, from the file of its answers: summed on integers, at the prices of batches.

Lines are OpenAI's (`response`) or Anthropic's (`result`); a request that was not answered costs nothing. An answer
whose usage or price is not known raises UnknownPrice: no part stands for the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json
from tollbridge.model.money import write_dollars
from tollbridge.sdk.checked import text, wrong
from tollbridge.sdk.costs import batch_answer_nanousd
from tollbridge.sdk.kept_objects import FileContent

Line = str | bytes | Mapping[str, Json]


class BatchCost(NamedTuple):
    """`answers` were paid for, `failed` were not."""

    nanousd: int
    answers: int
    failed: int

    @property
    def dollars(self) -> float:
        return write_dollars(self.nanousd)


def batch_cost(
    content: FileContent | str | bytes | Iterable[Line],
    model: str | None = None,
    custom_llm_provider: str | None = None,
) -> BatchCost:
    """`content`: what `file_content` gave for `output_file_id`, its text, or its lines (also as dictionaries).
    `model`: whose prices, where the answers do not say (a deployment's name); `custom_llm_provider`: whose models.
    Raises UnknownPrice, and BadRequestError with the number of a line that cannot be read."""
    model = text(model, "model")
    nanousd = answers = failed = 0
    for number, line in enumerate(_lines(content), 1):
        answer = _answer(line, number)
        if answer is None:
            failed += 1
            continue
        nanousd += batch_answer_nanousd(answer, model, custom_llm_provider)
        answers += 1
    return BatchCost(nanousd, answers, failed)


def _lines(content: FileContent | str | bytes | Iterable[Line]) -> Iterable[Line]:
    if isinstance(content, FileContent):
        return content.iter_lines()
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, bytes):
        return (line for line in content.split(b"\n") if line.strip())
    if isinstance(content, Mapping) or not isinstance(content, Iterable):
        wrong(content, "content", "the file of answers, its text, or its lines")
    return content


def _answer(line: Line, number: int) -> dict[str, Json] | None:
    if not isinstance(line, str | bytes | Mapping):
        wrong(line, "content", f"lines of answers; line {number} must be a text or a dictionary")
    try:
        read = line if isinstance(line, Mapping) else msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequestError(f"Line {number} is not JSON: {error}", param="content") from error
    if not isinstance(read, Mapping) or not ("response" in read or "result" in read):
        raise BadRequestError(f"Line {number} is no answer of a batch.", param="content")
    told, member = (read["response"], "body") if "response" in read else (read["result"], "message")
    if not isinstance(told, Mapping) or (told.get("status_code") != 200 and told.get("type") != "succeeded"):
        return None
    answer = told.get(member)
    if isinstance(answer, dict):
        return answer
    raise BadRequestError(f"Line {number} is no answer of a batch.", param="content")
