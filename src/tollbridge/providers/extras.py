"""Libraries by which clouds are shown who we are: extras of the package, imported when they are first used.

That one is not there is the operator's to mend, and is said before anybody is asked: where a deployment is made, and so
by `tollbridge check` and at the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from tollbridge.errors import InternalServerError

LIBRARIES: Mapping[str, str] = {"aws": "botocore", "gcp": "google.auth", "azure": "azure.identity"}
"""By extra, the module that it brings."""
MISSING = "missing_extra"


def is_there(extra: str) -> bool:
    """It is found, and not imported: that takes long."""
    try:
        return find_spec(LIBRARIES[extra]) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


def check_there(extra: str, provider: str) -> None:
    """Raises InternalServerError, the operator's."""
    if extra and not is_there(extra):
        raise missing(extra, provider)


def missing(extra: str, provider: str) -> InternalServerError:
    return InternalServerError(
        f"{provider}: the library {LIBRARIES[extra].replace('.', '-')} is not installed here, which its credentials "
        f"need: `pip install 'tollbridge[{extra}]'`.",
        type="configuration_error",
        code=MISSING,
        fault="operator",
        retryable=False,
        provider=provider,
    )
