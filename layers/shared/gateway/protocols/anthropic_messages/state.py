"""Names the members of a Messages request that refer to what Anthropic keeps.

https://docs.claude.com/en/api/messages, https://docs.claude.com/en/docs/build-with-claude/files and
https://docs.claude.com/en/docs/agents-and-tools/agent-skills/overview
"""

from __future__ import annotations

from gateway.protocols.shared.addresses import is_providers_address
from gateway.protocols.shared.provider_state import FILE, GATEWAYS, OWN, STATE, Place, Places

_BLOCK: dict[str, Place] = {
    "citations": OWN,
    "file_id": STATE,
    "input": OWN,
    "tool_use_id": OWN,
}
# The content of a tool's result is blocks again, as is that of a document.
_BLOCK["content"] = _BLOCK
_BLOCK["source"] = {"file_id": FILE, "url": is_providers_address, "content": _BLOCK}

PLACES: Places = {
    **GATEWAYS,
    "container": STATE,
    "messages": {"content": _BLOCK},
    "metadata": OWN,
    "output_config": OWN,
    "output_format": OWN,
    "system": _BLOCK,
    "tools": {"input_schema": OWN, "input_examples": OWN},
}
