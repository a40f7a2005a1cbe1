"""The format of providers that hold no conversations: what is asked of one as a conversation is refused here, before
anything is sent. Their tasks have formats of their own."""

from __future__ import annotations

from tollbridge.errors import BadRequestError
from tollbridge.model.request import Request
from tollbridge.wires.base import HttpRequest, Target, Written
from tollbridge.wires.openai_chat import OpenAIChat


class NoChat(OpenAIChat):
    """A `wires.base.ProviderWire`."""

    name = "no_chat"

    def write_request(self, request: Request, to: Target) -> Written[HttpRequest]:
        raise BadRequestError(
            f"The provider of {to.model} holds no conversations. Choose a model that does, or ask this one for what it "
            "is made for.",
            param="model",
            code="unsupported_endpoint",
        )


NO_CHAT = NoChat()
