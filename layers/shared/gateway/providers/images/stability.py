"""Stability's pictures: https://platform.stability.ai/docs/api-reference#tag/Generate. A form, answered as JSON.

No SDK of this version of the API is published: the shapes are unverified.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.canonical.images import IMAGE, Action, Drawing, Drawn, ImageRequest
from gateway.canonical.media import ProviderAnswer
from gateway.canonical.usage import Usage, uses_of
from gateway.errors import GatewayError, InvalidRequest
from gateway.framing.multipart import FormPart
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import load
from gateway.providers.chat.registry import at
from gateway.providers.images.inline import PNG
from gateway.providers.images.vendor import REFUSED, Asked, Painter, Step, moderated
from gateway.providers.media import outcomes
from gateway.providers.outgoing import Headers, Outgoing
from gateway.providers.outgoing import bearer as signed
from gateway.providers.vendor_endpoint import VendorEndpoint

_FILTERED = "CONTENT_FILTERED"
_MODERATION = "content_moderation"
_SD3 = "sd3"
# How far a picture may be changed, of Stability's own examples.
_STRENGTH = "0.65"


def _write(asked: ImageRequest, model: str) -> tuple[FormPart, ...]:
    return tuple(_parts(asked, model))


def _parts(asked: ImageRequest, model: str) -> Iterator[FormPart]:
    fields = {
        "prompt": asked.prompt,
        "negative_prompt": asked.negative_prompt,
        "aspect_ratio": None if asked.images else asked.size,
        "seed": None if asked.seed is None else str(asked.seed),
        "output_format": asked.output_format or PNG,
        "model": model if model.startswith(_SD3) else None,
        "mode": ("image-to-image" if asked.images else "text-to-image") if model.startswith(_SD3) else None,
        "strength": _STRENGTH if asked.images else None,
    }
    for name, value in fields.items():
        if value is not None:
            yield FormPart(name, value.encode())
    for given in asked.images:
        if given.picture is None:
            raise InvalidRequest("The picture could not be read.", param=given.place)
        yield FormPart("image", given.picture.content, "image", given.picture.mime_type)


def _read(_: Asked, answer: ProviderAnswer) -> Step:
    """The picture, or nothing where the filter stopped it."""
    found = load(answer.body)
    if found.get("finish_reason") == _FILTERED:
        return Drawn((), refused=REFUSED)
    return Drawn((Drawing(outcomes.as_name(found.get("image"))),), Usage(uses=uses_of({IMAGE: 1})))


def _error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    fields = members(reported(body))
    errors = fields.get("errors")
    words = errors[0] if isinstance(errors, list) and errors else None
    if fields.get("name") == _MODERATION:
        return moderated(words)
    return outcomes.refusal(ProviderAnswer(status, headers, body), words)


def _sign(url: str, outgoing: Outgoing) -> Headers:
    return (*signed(url, outgoing), ("accept", "application/json"))


def _path(outgoing: Outgoing) -> str:
    return f"/v2beta/stable-image/generate/{_SD3 if outgoing.model.startswith(_SD3) else outgoing.model}"


_ENDPOINT = VendorEndpoint(name="stability", base_url=at("https://api.stability.ai"), path=_path, sign=_sign)
STABILITY = Painter(
    name="stability",
    endpoints=dict.fromkeys((Action.GENERATION, Action.EDIT), _ENDPOINT),
    write=_write,
    read=_read,
    decode_error=_error,
    source="https://platform.stability.ai/docs/api-reference",
)
