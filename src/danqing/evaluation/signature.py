"""Results that cannot be changed unnoticed: a code over all they say, under a key of one's own.

The code is HMAC-SHA256 (RFC 2104) over canonical JSON. Who can check it can also make it, so it
tells a group its own results from altered ones, and proves nothing to strangers.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from danqing.core.errors import RecipeError

VARIABLE: Final = "DANQING_SIGNING_KEY"
"""The environment variable with the key."""


def signature(result: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what is kept as `signature` in a result; None: there is no key."""
    key = os.environ.get(VARIABLE, "").encode()
    if not key:
        return None
    told = {name: value for name, value in result.items() if name != "signature"}
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return {
        # Names the key and gives nothing of it away.
        "key": hmac.digest(key, b"name", "sha256").hex()[:12],
        "hmac-sha256": hmac.new(key, text.encode(), hashlib.sha256).hexdigest(),
    }


def standing(result: Mapping[str, Any]) -> str:
    """Return `signed`, `unsigned`, or `signed by another key`.

    Raises:
        RecipeError: it was signed with our key, and changed since.
    """
    kept, ours = result.get("signature"), signature(result)
    if not kept:
        return "unsigned"
    if ours is None or kept.get("key") != ours["key"]:
        return "signed by another key"
    if not hmac.compare_digest(str(kept.get("hmac-sha256")), ours["hmac-sha256"]):
        raise RecipeError(
            f"a signed result must be as it was signed, got one of {result.get('task')} that has "
            "changed; evaluate again."
        )
    return "signed"
