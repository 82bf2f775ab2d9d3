"""LiteLLM's keys without a database: its hook for keys of one's own, over a table in memory with a limit for each."""

from typing import Any

from litellm.proxy._types import UserAPIKeyAuth

KEYS = {"sk-xc-bench": 1_000_000}


async def user_api_key_auth(request: Any, api_key: str) -> Any:  # noqa: ARG001  # LiteLLM's names
    """Returns the key with its limit of requests a minute; a key that is not in the table is refused."""
    return UserAPIKeyAuth(api_key=api_key, rpm_limit=KEYS[api_key])
