"""Names the members of a chat request that refer to what OpenAI keeps.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from gateway.protocols.shared.addresses import is_providers_address
from gateway.protocols.shared.provider_state import FILE, GATEWAYS, OWN, STATE, Places

PLACES: Places = {
    **GATEWAYS,
    "audio": {"voice": {"id": STATE}},
    # Azure searches indexes by the identity of the account that owns the deployment.
    # https://learn.microsoft.com/azure/ai-foundry/openai/references/on-your-data
    "data_sources": STATE,
    "functions": OWN,
    "messages": {
        "annotations": OWN,
        "audio": STATE,
        "content": {
            "file": {"file_data": is_providers_address, "file_id": FILE},
            "image_url": {"url": is_providers_address},
        },
        "reasoning_details": OWN,
        "tool_call_id": OWN,
    },
    "metadata": OWN,
    "response_format": OWN,
    "tools": {"function": {"parameters": OWN}},
}
