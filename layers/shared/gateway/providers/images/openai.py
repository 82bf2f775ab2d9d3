"""OpenAI's pictures, and Azure's: https://platform.openai.com/docs/api-reference/images.

Edits are sent as a form with the pictures in it: nothing of a caller's is stored at the vendor first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from gateway.canonical.images import IMAGE, IMAGE_TOKEN, TEXT_TOKEN, Action, Drawing, Drawn, Given, ImageRequest
from gateway.canonical.media import ProviderAnswer
from gateway.canonical.usage import Usage, counted, uses_of
from gateway.errors import GatewayError, InvalidRequest, UnreadableAnswer
from gateway.framing.multipart import FormPart
from gateway.protocols.shared.provider_errors import error_fields, reported
from gateway.providers.chat import azure
from gateway.providers.chat.registry import PROVIDERS, under
from gateway.providers.chat.wires import part
from gateway.providers.images.vendor import MODERATED, Asked, Fields, Painter, Step
from gateway.providers.outgoing import Outgoing
from gateway.providers.vendor_endpoint import VendorEndpoint, shaped

_SOURCE = "https://platform.openai.com/docs/api-reference/images"
# The words of a request that was stopped by rules: gpt-image's, DALL-E's and Azure's.
_BLOCKED = frozenset({MODERATED, "content_policy_violation", "contentFilter", "content_filter"})
_DALL_E = "dall-e"
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
_TOLD = ("size", "quality", "background", "output_format")


class _Drawing(Struct):
    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class _Details(Struct):
    image_tokens: int | None = None
    text_tokens: int | None = None


class TokenUsage(Struct):
    """The tokens that an answer or an event reports."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _Answer(Struct):
    data: list[_Drawing]
    usage: TokenUsage | None = None
    size: str | None = None
    quality: str | None = None
    background: str | None = None
    output_format: str | None = None


def usage_of(said: TokenUsage | None, images: int) -> Usage:
    """The pictures, and the tokens that were reported."""
    said = said or TokenUsage()
    read, written = said.input_tokens_details or _Details(), said.output_tokens_details or _Details()
    uses = uses_of({IMAGE: images, IMAGE_TOKEN: read.image_tokens or 0, TEXT_TOKEN: written.text_tokens or 0})
    return counted(uses, input=said.input_tokens or 0, output=said.output_tokens or 0)


def read(_: Asked, answer: ProviderAnswer) -> Step:
    """The pictures of an answer."""
    found: _Answer = shaped(answer.body, _Answer, "pictures")
    drawings = tuple(
        Drawing(one.b64_json or "", one.url or "", revised_prompt=one.revised_prompt)
        for one in found.data
        if one.b64_json or one.url
    )
    if not drawings:
        raise UnreadableAnswer("it holds no picture")
    told = {name: value for name in _TOLD if (value := getattr(found, name)) is not None}
    # DALL-E reports no tokens, and is paid by the picture.
    return Drawn(drawings, usage_of(found.usage, len(drawings)), told=told)


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """Converts a refusal; one by rules of content has one code, for every vendor's word."""
    error: GatewayError = part("openai_chat.errors").decode_error(status, headers, body)
    if error_fields(reported(body)).get("code") in _BLOCKED and isinstance(error, InvalidRequest):
        error.code = MODERATED
    return error


def _write(asked: ImageRequest, model: str) -> Fields | tuple[FormPart, ...]:
    members = _members(asked, model)
    if asked.action is Action.GENERATION:
        return members
    return tuple(_parts(asked, members))


def _members(asked: ImageRequest, model: str) -> dict[str, Any]:
    """The members of both kinds of models; DALL-E knows a form and a style, gpt-image the others."""
    dall_e = model.startswith(_DALL_E)
    members: dict[str, Any] = {
        "model": model,
        "prompt": asked.prompt or None,
        "n": asked.n,
        "size": asked.size,
        "quality": asked.quality,
        "user": asked.user,
    }
    if dall_e:
        return members | {"style": asked.style, "response_format": "b64_json"}
    return members | {
        "background": asked.background,
        "moderation": asked.moderation,
        "output_format": asked.output_format,
        "output_compression": asked.output_compression,
        "input_fidelity": asked.input_fidelity,
        "stream": True if asked.stream else None,
        "partial_images": asked.partial_images if asked.stream else None,
    }


def _parts(asked: ImageRequest, members: Mapping[str, Any]) -> Iterator[FormPart]:
    for name, value in members.items():
        if value is not None:
            text = ("true" if value else "false") if isinstance(value, bool) else str(value)
            yield FormPart(name, text.encode())
    field = "image" if len(asked.images) == 1 else "image[]"
    for given in asked.images:
        yield _file(field, given)
    if asked.mask is not None:
        yield _file("mask", asked.mask)


def _file(name: str, given: Given) -> FormPart:
    if given.picture is None:
        raise InvalidRequest("The picture could not be read.", param=given.place)
    kind = given.picture.mime_type
    return FormPart(name, given.picture.content, f"{name.removesuffix('[]')}.{_EXTENSIONS.get(kind, 'png')}", kind)


def _endpoints(row: str, paths: Mapping[Action, Callable[[Outgoing], str]]) -> Mapping[Action, VendorEndpoint]:
    """The addresses of a row that sells text too, with its signature."""
    own = PROVIDERS[row]
    return {
        action: VendorEndpoint(name=row, base_url=own.base_url, path=path, sign=own.sign)
        for action, path in paths.items()
    }


OPENAI = Painter(
    name="openai",
    endpoints=_endpoints(
        "openai",
        {
            Action.GENERATION: under("/images/generations"),
            Action.EDIT: under("/images/edits"),
            Action.VARIATION: under("/images/variations"),
        },
    ),
    write=_write,
    read=read,
    decode_error=decode_error,
    images_max=10,
    source=_SOURCE,
    verified=True,
)
AZURE = Painter(
    name="azure",
    endpoints=_endpoints(
        "azure",
        {Action.GENERATION: azure.images_path, Action.EDIT: azure.image_edits_path},
    ),
    write=_write,
    read=read,
    decode_error=decode_error,
    images_max=10,
    source="https://learn.microsoft.com/azure/ai-foundry/openai/how-to/dall-e",
    verified=True,
)
