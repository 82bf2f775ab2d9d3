"""Names the members of a Gemini request that refer to what Google keeps.

https://ai.google.dev/api/generate-content, https://ai.google.dev/api/caching and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.canonical.file_ids import names_own_file
from gateway.protocols.gemini.names import snake
from gateway.protocols.shared.addresses import is_kept_by_provider
from gateway.protocols.shared.provider_state import GATEWAYS, OWN, STATE, Place, Places


def _spelled(places: Places) -> Places:
    """The places under both spellings of each name."""
    both: dict[str, Place] = {}
    for name, place in places.items():
        inner = _spelled(place) if isinstance(place, Mapping) else place
        both[name] = both[snake(name)] = inner
    return both


def _is_kept(uri: str) -> bool:
    return is_kept_by_provider(uri) and not names_own_file(uri)


_CONTENT: Places = {
    "parts": {
        "codeExecutionResult": OWN,
        "fileData": {"fileUri": _is_kept},
        "functionCall": {"args": OWN},
        "functionResponse": {"response": OWN, "parts": {"fileData": {"fileUri": _is_kept}}},
    }
}

PLACES: Places = _spelled(
    {
        **GATEWAYS,
        "cachedContent": STATE,
        "contents": _CONTENT,
        "generationConfig": {"responseJsonSchema": OWN, "responseSchema": OWN},
        "labels": OWN,
        "modelArmorConfig": STATE,
        "systemInstruction": _CONTENT,
        "tools": {
            "fileSearch": STATE,
            "functionDeclarations": {
                "parameters": OWN,
                "parametersJsonSchema": OWN,
                "response": OWN,
                "responseJsonSchema": OWN,
            },
            "retrieval": STATE,
        },
    }
)
