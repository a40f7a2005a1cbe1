"""LangChain's standard integration tests of its chat models, each with Tollbridge's address."""

from __future__ import annotations

import os
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

URL, KEY = os.environ["TEST_API_BASE_URL"], "any"
MODEL = "hello"  # what an answer says of itself, whoever is asked for it


class Standard(ChatModelIntegrationTests):
    kind: type[BaseChatModel]
    given: dict[str, Any]

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return self.kind

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": MODEL, "api_key": KEY, **self.given}

    @property
    def model_override_value(self) -> str:
        return MODEL

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_json_mode(self) -> bool:
        return True


class TestChat(Standard):
    kind, given = ChatOpenAI, {"base_url": f"{URL}/v1", "stream_usage": True, "max_retries": 0}


class TestResponses(Standard):
    kind, given = ChatOpenAI, {"base_url": f"{URL}/v1", "use_responses_api": True, "max_retries": 0}


class TestMessages(Standard):
    kind, given = ChatAnthropic, {"base_url": URL, "max_retries": 0, "max_tokens": 500}

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True


class TestGemini(Standard):
    kind, given = ChatGoogleGenerativeAI, {"base_url": URL, "max_retries": 1}

    @property
    def model_override_value(self) -> str | None:
        return None  # the class takes no other model for a call
