"""Reads the requests of OpenAI's images wire, as JSON and as forms."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from functools import cache

from gateway.canonical.images import (
    AUTO,
    BASE64,
    HD,
    IMAGES_MAX,
    PARTIALS_MAX,
    PROMPT_CHARACTERS_MAX,
    STANDARD,
    URL,
    Action,
    Given,
    ImageRequest,
    Picture,
    sides,
)
from gateway.errors import InvalidRequest
from gateway.framing.multipart import FormPart
from gateway.protocols.shared.document import Node, boolean_in, integer_in, string_in
from gateway.protocols.shared.forms import read_form
from gateway.protocols.shared.preferences import OWN_MEMBERS, decode_preferences, parse_known, refuse_unknown

PROTOCOL = "openai_images"
# Section 2 of the public contract: what a request without a model gets.
DEFAULT_MODEL = "nexevo/image-balanced"
INPUTS_MAX = 16
SEED_MAX = 2**32 - 1
_UNKNOWN = "Unknown parameter: '{name}'."
_QUALITIES = (AUTO, STANDARD, HD, "low", "medium", "high", "xhigh", "max")
_FORMATS = ("png", "jpeg", "webp")
# The members of a generation that hold a picture to start from, beside `images`.
_REFERENCES = ("reference_image_b64", "reference_image_url")
_COMMON = OWN_MEMBERS | frozenset(
    {
        "webhook_url",
        "background",
        "model",
        "n",
        "negative_prompt",
        "output_compression",
        "output_format",
        "partial_images",
        "prompt",
        "quality",
        "response_format",
        "safety_identifier",
        "seed",
        "size",
        "stream",
        "user",
    }
)
_KNOWN: Mapping[Action, frozenset[str]] = {
    Action.GENERATION: _COMMON | {"images", "moderation", "style", *_REFERENCES},
    Action.EDIT: _COMMON | {"image", "images", "input_fidelity", "mask", "moderation"},
    Action.VARIATION: OWN_MEMBERS | {"image", "model", "n", "response_format", "size", "user"},
}
_INTEGERS = frozenset({"n", "output_compression", "partial_images", "seed"})
# What names a picture, and is not one: a URL, or a file's id.
_NAMED = re.compile(r"[a-z][a-z0-9+.-]{1,20}:|file[-_]", re.IGNORECASE)
_DATA_URL = re.compile(r"data:image/[a-z+.-]{1,20};base64,", re.IGNORECASE)


def decode_json(action: Action, body: bytes) -> ImageRequest:
    """The request of a JSON body."""
    root = parse_known(body, _KNOWN[action], _UNKNOWN)
    return _request(action, root, body, body, _images(action, root), _mask(root))


def decode_form(action: Action, content_type: str, body: bytes) -> ImageRequest:
    """The request of a form: its files are the pictures, and its fields the members."""
    form = read_form(content_type, body, integers=_INTEGERS, flags=("stream",))
    refuse_unknown(form.root, _KNOWN[action], _UNKNOWN)
    for name in form.files.keys() - {"image", "mask"}:
        raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    files = form.files.get("image", ())
    images = _files(files) if files else _images(action, form.root)
    masks = form.files.get("mask", ())
    if len(masks) > 1:
        raise InvalidRequest("Only one mask is taken.", param="mask", code="duplicate_parameter")
    mask = Given("mask", _picture(masks[0].content, "mask")) if masks else _mask(form.root)
    return _request(action, form.root, body, form.source, images, mask)


def _request(
    action: Action, root: Node, body: bytes, source: bytes, images: tuple[Given, ...], mask: Given | None
) -> ImageRequest:
    stream = boolean_in(root, "stream") or False
    form = root.member("response_format")
    request = ImageRequest(
        protocol=PROTOCOL,
        model=string_in(root, "model") or DEFAULT_MODEL,
        action=action,
        prompt=_prompt(action, root),
        source_bytes=len(body) if not images else len(source),
        n=_or(integer_in(root, "n", 1, IMAGES_MAX), 1),
        size=_size(root),
        quality=_one_of(root, "quality", _QUALITIES),
        style=_one_of(root, "style", ("vivid", "natural")),
        negative_prompt=_text(root, "negative_prompt"),
        seed=integer_in(root, "seed", 0, SEED_MAX),
        background=None if _deferred(root) else _background(root),
        deferred=_deferred(root),
        webhook_url=string_in(root, "webhook_url"),
        moderation=_one_of(root, "moderation", (AUTO, "low")),
        output_format=_one_of(root, "output_format", _FORMATS),
        output_compression=integer_in(root, "output_compression", 0, 100),
        input_fidelity=_one_of(root, "input_fidelity", ("low", "high")),
        form=None if form is None else form.as_one_of((URL, BASE64)),
        images=images,
        mask=mask,
        stream=stream,
        partial_images=_or(integer_in(root, "partial_images", 0, PARTIALS_MAX), 0),
        user=string_in(root, "safety_identifier") or string_in(root, "user"),
        routing=decode_preferences(root, source),
    )
    if request.partial_images and not stream:
        raise root.required("partial_images").error("'partial_images' needs 'stream': true.")
    _judge_deferral(root, request)
    return request


def _judge_deferral(root: Node, request: ImageRequest) -> None:
    """Raises the refusal of what does not go with a job, or goes with one alone."""
    if not request.deferred:
        if request.webhook_url is not None:
            raise root.required("webhook_url").error("'webhook_url' needs 'background': true.")
    elif request.stream:
        raise root.required("stream").error("Pictures in the background are not streamed.", "unsupported_value")
    elif request.form == BASE64:
        message = "The pictures of a job are at addresses; ask for them at GET /v1/generation/jobs/{id}."
        raise root.required("response_format").error(message, "unsupported_value")


def _or(given: int | None, otherwise: int) -> int:
    return otherwise if given is None else given


def _prompt(action: Action, root: Node) -> str:
    if action is Action.VARIATION:
        return ""
    return root.required("prompt").as_string(minimum=1, maximum=PROMPT_CHARACTERS_MAX)


def _text(root: Node, name: str) -> str | None:
    given = root.member(name)
    return (given.as_string(maximum=PROMPT_CHARACTERS_MAX) or None) if given is not None else None


def _one_of(root: Node, name: str, words: Sequence[str]) -> str | None:
    given = root.member(name)
    return None if given is None else given.as_one_of(words)


def _deferred(root: Node) -> bool:
    """True for a request that a job is to make: OpenAI's word for the ground of a picture, with `true` in its place."""
    given = root.member("background")
    return given is not None and (given.value is True or given.value == "true")


def _background(root: Node) -> str | None:
    """The ground of the picture."""
    given = root.member("background")
    if given is None or given.value is False or given.value == "false":
        return None
    return given.as_one_of((AUTO, "transparent", "opaque"))


def _size(root: Node) -> str | None:
    given = root.member("size")
    if given is None:
        return None
    if given.as_string() != AUTO and sides(given.as_string()) is None:
        raise given.error(f"Invalid value: '{given.as_string()[:80]}'. Expected a size like '1024x1024', or 'auto'.")
    return given.as_string()


def _images(action: Action, root: Node) -> tuple[Given, ...]:
    """The pictures of a JSON body: `images` as OpenAI has them, `image` as addresses, or the contract's base64."""
    if action is Action.GENERATION:
        return _to_start_from(root)
    listed, given = root.member("images"), root.member("image")
    if listed is not None and given is not None:
        raise given.error("'image' and 'images' are the same parameter: give one.", "duplicate_parameter")
    if listed is not None:
        return tuple(_reference(one) for one in listed.elements(minimum=1, maximum=INPUTS_MAX))
    if given is None:
        return (_reference(root.required("image")),)
    if isinstance(given.value, list):
        return tuple(_reference(one) for one in given.elements(minimum=1, maximum=INPUTS_MAX))
    return (_reference(given),)


def _to_start_from(root: Node) -> tuple[Given, ...]:
    """The pictures that a generation starts from: one in a member of the contract, or several as an edit has them."""
    found = [given for name in (*_REFERENCES, "images") if (given := root.member(name)) is not None]
    if not found:
        return ()
    given, *others = found
    if others:
        raise others[0].error("Give the pictures to start from in one parameter.", "duplicate_parameter")
    if isinstance(given.value, list):
        return tuple(_reference(one) for one in given.elements(minimum=1, maximum=INPUTS_MAX))
    return (_inline(given),)


def _mask(root: Node) -> Given | None:
    given = root.member("mask")
    return None if given is None else _reference(given)


def _reference(node: Node) -> Given:
    """An address, a file's id, a data URL, or an object that names one of them."""
    if isinstance(node.value, str):
        return _addressed(node)
    address, file_id = node.member("image_url"), node.member("file_id")
    if (address is None) is (file_id is None):
        raise node.error("Give either 'image_url' or 'file_id'.")
    return _addressed(address if address is not None else node.required("file_id"))


def _addressed(node: Node) -> Given:
    text = node.as_string(minimum=1)
    found = _DATA_URL.match(text)
    if found is None:
        return Given(node.path, reference=text)
    return Given(node.path, _picture(_decoded(text[found.end() :], node), node.path))


def _inline(node: Node) -> Given:
    """A picture as base64 alone, or as `_addressed` reads it: no base64 has the characters of an address or an id."""
    text = node.as_string(minimum=1)
    if _NAMED.match(text) is not None:
        return _addressed(node)
    return Given(node.path, _picture(_decoded(text, node), node.path))


def _decoded(text: str, node: Node) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise node.error("Expected base64 of a picture.") from None


def _files(parts: Sequence[FormPart]) -> tuple[Given, ...]:
    if len(parts) > INPUTS_MAX:
        raise InvalidRequest(f"At most {INPUTS_MAX} pictures are taken.", param="image", code="array_above_max_length")
    several = len(parts) > 1
    places = [f"image[{number}]" if several else "image" for number in range(len(parts))]
    return tuple(Given(place, _picture(part.content, place)) for place, part in zip(places, parts, strict=True))


def _picture(content: bytes, place: str) -> Picture:
    """A picture by the first bytes; it is judged whole before it is sent."""
    for signature, offset, kind in _signatures():
        if content.startswith(signature, offset):
            return Picture(content, kind)
    raise InvalidRequest("The picture must be PNG, JPEG or WebP.", param=place, code="invalid_image_format")


@cache
def _signatures() -> tuple[tuple[bytes, int, str], ...]:
    return ((b"\x89PNG\r\n\x1a\n", 0, "image/png"), (b"\xff\xd8\xff", 0, "image/jpeg"), (b"WEBP", 8, "image/webp"))
