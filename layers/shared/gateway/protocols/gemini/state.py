"""Names the members of a Gemini request that refer to what Google keeps.

https://ai.google.dev/api/generate-content, https://ai.google.dev/api/caching and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.protocols.gemini.names import snake
from gateway.protocols.shared.provider_state import OWN, STATE, Place, Places

# Where the operator's credential opens what others cannot read; public objects are at the one host.
_GOOGLES_OWN = ("googleapis.com", "cloud.google.com")
_PUBLIC_HOST = "storage.googleapis.com"


def _is_googles_own(uri: str) -> bool:
    """True for all but an address on the public web."""
    try:
        address = urlsplit(uri)
        host = (address.hostname or "").rstrip(".")
    except ValueError:
        return True
    if address.scheme not in {"http", "https"} or not host:
        return True
    return host.endswith(_GOOGLES_OWN) and host != _PUBLIC_HOST


def _spelled(places: Places) -> Places:
    """The places under both spellings of each name."""
    both: dict[str, Place] = {}
    for name, place in places.items():
        inner = _spelled(place) if isinstance(place, Mapping) else place
        both[name] = both[snake(name)] = inner
    return both


_CONTENT: Places = {
    "parts": {
        "codeExecutionResult": OWN,
        "fileData": {"fileUri": _is_googles_own},
        "functionCall": {"args": OWN},
        "functionResponse": {"response": OWN, "parts": {"fileData": {"fileUri": _is_googles_own}}},
    }
}

PLACES: Places = _spelled(
    {
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
