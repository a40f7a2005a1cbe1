"""`import litellm` gives Tollbridge, under LiteLLM's names.

    import tollbridge.compat.litellm     # first; or: python -m tollbridge.compat.litellm script.py
    import litellm

1. Which names there are, and what stands behind each, is said in `names.py`, and in docs/migrating-from-litellm.md.
   What is LiteLLM's and not here can be imported; its first use raises `NotBuilt`, which names it and says what to do.
2. An installed `litellm` is not loaded, whichever comes first in the path. One that was imported already stays what it
   is, and this import is an error.
3. `from tollbridge.compat import litellm` has the same names and settings (`front.py`).
4. Settings of the module (`litellm.drop_params = True`) hold for calls of the module, not for `tollbridge.completion`.
"""

import sys

from tollbridge.compat.litellm.finder import install
from tollbridge.compat.litellm.front import Front

__all__ = ["install"]

install()
sys.modules[__name__].__class__ = Front
