"""Grok Imagine's pictures on xAI's REST API: https://docs.x.ai/docs/guides/image-generations.

OpenAI's path and answer, with ratios in place of sizes; edits are JSON. xAI's own SDK speaks gRPC, so that the shapes
are unverified.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.canonical.images import Action, ImageRequest
from gateway.errors import GatewayError, InvalidRequest
from gateway.providers.chat.registry import PROVIDERS, under
from gateway.providers.chat.wires import part
from gateway.providers.images import openai
from gateway.providers.images.inline import data_url
from gateway.providers.images.vendor import Fields, Painter, moderated
from gateway.providers.vendor_endpoint import VendorEndpoint

_FORBIDDEN = re.compile(r"moderat|content[ _]policy|usage guidelines|safety", re.IGNORECASE)


def _write(asked: ImageRequest, model: str) -> Fields:
    return {
        "model": model,
        "prompt": asked.prompt,
        "n": asked.n,
        "aspect_ratio": asked.size,
        "response_format": "b64_json",
        "image": {"url": data_url(asked.images[0]), "type": "image_url"} if asked.images else None,
    }


def _error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    error: GatewayError = part("openai_chat.errors").decode_error(status, headers, body)
    if isinstance(error, InvalidRequest) and _FORBIDDEN.search(error.message):
        return moderated(error.message)
    return error


def _endpoint(path: str) -> VendorEndpoint:
    own = PROVIDERS["xai"]
    return VendorEndpoint(name="xai", base_url=own.base_url, path=under(path), sign=own.sign)


XAI = Painter(
    name="xai",
    endpoints={Action.GENERATION: _endpoint("/images/generations"), Action.EDIT: _endpoint("/images/edits")},
    write=_write,
    read=openai.read,
    decode_error=_error,
    images_max=10,
    source="https://docs.x.ai/docs/guides/image-generations",
)
