"""Names the members of a Responses request that refer to what OpenAI keeps.

https://platform.openai.com/docs/api-reference/responses/create

`previous_response_id`, `conversation` and references to items are the gateway's: they name what it stores for accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.protocols.shared.addresses import is_providers_address
from gateway.protocols.shared.provider_state import FILE, GATEWAYS, OWN, STATE, Place, Places, first_reference

_CONTENT: Places = {
    "annotations": OWN,
    "file_id": FILE,
    "file_url": is_providers_address,
    "image_url": is_providers_address,
}

_TOOL: dict[str, Place] = {
    "connector_id": OWN,
    "container": STATE,
    "environment": {"skills": {"skill_id": STATE}},
    "filters": OWN,
    "headers": OWN,
    "parameters": OWN,
    "vector_store_ids": STATE,
}
# A namespace holds tools.
_TOOL["tools"] = _TOOL

PLACES: Places = {
    **GATEWAYS,
    "client_metadata": OWN,
    "conversation": OWN,
    "input": {
        "action": OWN,
        "approval_request_id": OWN,
        "call_id": OWN,
        "container_id": STATE,
        "content": _CONTENT,
        "file_id": STATE,
        "output": _CONTENT,
        "results": OWN,
        # Those that an MCP server lists have members of their own.
        "tools": {**_TOOL, "annotations": OWN, "input_schema": OWN},
    },
    "metadata": OWN,
    "nexevo": OWN,
    "previous_response_id": OWN,
    "prompt": STATE,
    "text": {"format": OWN},
    "tools": _TOOL,
}


def reference_in(document: Mapping[str, Any]) -> str | None:
    """The JSON path of the first member of a request that names what OpenAI keeps, or `None`.

    A picture that an earlier answer made comes with its bytes: by its id alone it is one that OpenAI has stored. And a
    call of an MCP server is approved only beside the item that asked for it, which comes with the conversation.
    """
    items = document.get("input")
    items = [item if isinstance(item, dict) else {} for item in items] if isinstance(items, list) else []
    asked = {_word(item.get("id")) for item in items if item.get("type") == "mcp_approval_request"}
    for position, item in enumerate(items):
        kind = item.get("type")
        if kind == "image_generation_call" and not item.get("result"):
            return f"input[{position}].id"
        if kind == "mcp_approval_response" and (_word(item.get("approval_request_id")) or None) not in asked:
            return f"input[{position}].approval_request_id"
    return first_reference(document, PLACES)


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
