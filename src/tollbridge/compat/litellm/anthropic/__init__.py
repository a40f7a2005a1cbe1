"""`litellm.anthropic`: a model asked in Anthropic's words, `litellm.anthropic.messages.create(...)`."""

from tollbridge.compat.litellm.anthropic import messages
from tollbridge.compat.litellm.anthropic.messages import acreate, create

__all__ = ["acreate", "create", "messages"]
