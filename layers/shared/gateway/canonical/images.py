"""Pictures as values: a request for them, what a provider made, and the models for sale.

A picture of an answer stays the base64 in which its provider wrote it, or is at an address.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, field

from gateway.canonical.models import Model
from gateway.canonical.request import NOTHING, Json, RoutingPreferences
from gateway.canonical.usage import Usage

PROMPT_CHARACTERS_MAX = 4_000
IMAGES_MAX = 10
PARTIALS_MAX = 3
# Section 7 of the public contract: the size of a request that names none.
SIZE = "1024x1024"
# What usage counts beside tokens: pictures that were delivered, those that were not finished, the tokens of the prompt
# that are of pictures, and those of the output that are not.
IMAGE, PARTIAL, IMAGE_TOKEN, TEXT_TOKEN = "image", "partial_image", "image_input_token", "text_output_token"
# The forms of a picture in an answer; one that is made by a job is stored alone.
URL, BASE64, STORED = "url", "b64_json", "stored"
HD, STANDARD, AUTO = "hd", "standard", "auto"
# The members of a request that are its provider's own: a model's row names those that it takes.
OPTIONS = ("input_fidelity", "moderation", "output_compression", "style")
_SIDES = re.compile(r"(?P<width>[1-9][0-9]{0,4})[x:](?P<height>[1-9][0-9]{0,4})")
# A size stands for another one whose ratio differs by so much at most: 1792x1024 for 3:2, and not for a square.
_RATIOS_APART = 1.25


class Action(StrEnum):
    """The kind of a request: a picture of a prompt, of other pictures and a prompt, or of another picture alone."""

    GENERATION = "generation"
    EDIT = "edit"
    VARIATION = "variation"


class Picture(Struct, frozen=True):
    """A picture that is sent to a provider. `mime_type` is by its content."""

    content: bytes
    mime_type: str


class Given(Struct, frozen=True):
    """A picture of a request, at `place` in it: the picture, or the address or file id by which it is looked up."""

    place: str
    picture: Picture | None = None
    reference: str = ""


class ImageRequest(Struct, frozen=True):
    """One request for pictures, the same for every wire.

    `size` is the caller's `WIDTHxHEIGHT` or `auto`, and after the fitting to a model a word of the model's row. `form`
    is the way in which pictures are answered, where the caller names one. `account_id` owns what is stored for the
    answer. A `deferred` request is made by a job, whose end `webhook_url` is told of.
    """

    protocol: str
    model: str
    action: Action
    prompt: str
    source_bytes: int
    account_id: str = ""
    n: int = 1
    size: str | None = None
    quality: str | None = None
    style: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    background: str | None = None
    moderation: str | None = None
    output_format: str | None = None
    output_compression: int | None = None
    input_fidelity: str | None = None
    form: str | None = None
    images: tuple[Given, ...] = ()
    mask: Given | None = None
    stream: bool = False
    partial_images: int = 0
    user: str | None = None
    deferred: bool = False
    webhook_url: str | None = None
    routing: RoutingPreferences = field(default_factory=RoutingPreferences)
    echo: Json = field(default_factory=lambda: NOTHING)

    @property
    def wanted_size(self) -> str | None:
        """The size to make; nothing where the vendor chooses: for `auto`, and for a picture that starts from others,
        which has their ratio.
        """
        if self.size is None:
            return None if self.pictures or self.action is not Action.GENERATION else SIZE
        return None if self.size == AUTO else self.size

    @property
    def pictures(self) -> tuple[Given, ...]:
        """All pictures of the request, the mask last."""
        return self.images if self.mask is None else (*self.images, self.mask)


class Drawing(Struct, frozen=True):
    """One picture of an answer: base64, or an address. `mime_type` is what the provider says it is, if it does.

    One that is stored in the media bucket has its `object_name` there, its type by its content, and its size.
    """

    base64: str = ""
    url: str = ""
    mime_type: str = ""
    revised_prompt: str | None = None
    object_name: str = ""
    size_bytes: int = 0
    width: int | None = None
    height: int | None = None


class Drawn(Struct, frozen=True):
    """The pictures of an answer; `usage` is `None` if the provider reports none.

    `refused` says, for the caller, why a picture that was asked for is not among them. `told` has what the provider
    says of all pictures: size, quality, background, format.
    """

    drawings: tuple[Drawing, ...]
    usage: Usage | None = None
    refused: str | None = None
    told: Mapping[str, str] = field(default_factory=dict)


class ImagePrice(Struct, frozen=True):
    """The provider's list price in USD, decimal text: of a picture, or of a million tokens.

    `sizes` are the prices of sizes that have one of their own. A picture of quality `hd` costs twice as much. Of
    tokens, `image_input` is the price of those of pictures in the prompt, and `text_output` of words in the output,
    where they have one of their own.
    """

    image: str | None = None
    sizes: Mapping[str, str] = field(default_factory=dict)
    input: str | None = None
    image_input: str | None = None
    output: str | None = None
    text_output: str | None = None


class ImageModel(Model[ImagePrice], frozen=True, kw_only=True):
    """One image model for sale.

    `sizes` are the words for the sizes or ratios that it makes, the first one unless the request names another.
    `qualities` maps the caller's words to the provider's; without them the model has one quality. `image_tokens` bounds
    the tokens of a picture of each of the provider's qualities. `inputs_max` pictures may be given. `form` is how
    pictures are answered to a caller who names the model and no form. `options` are the members of `OPTIONS` that the
    model takes.
    """

    images_max: int
    sizes: tuple[str, ...]
    prompt_characters_max: int = PROMPT_CHARACTERS_MAX
    qualities: Mapping[str, str] = field(default_factory=dict)
    image_tokens: Mapping[str, int] = field(default_factory=dict)
    input_tokens: int = 0
    inputs_max: int = 0
    mask: bool = False
    variations: bool = False
    formats: tuple[str, ...] = ()
    transparent: bool = False
    negative_prompt: bool = False
    seed: bool = False
    form: str = URL
    options: tuple[str, ...] = ()


def agreed(tellings: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The members that several pictures have alike."""
    first, *others = tellings or ({},)
    return {name: word for name, word in first.items() if all(other.get(name) == word for other in others)}


def sides(size: str) -> tuple[int, int] | None:
    """Width and height of a size or ratio, or nothing for another word."""
    found = _SIDES.fullmatch(size)
    return None if found is None else (int(found["width"]), int(found["height"]))


def fitted_size(asked: str, sizes: Sequence[str]) -> str | None:
    """The word among `sizes` for the size asked for: that one, or the nearest ratio; nothing where none is near."""
    wanted = sides(asked)
    if asked in sizes or wanted is None:
        return asked if asked in sizes else None
    known = [(word, found) for word in sizes if (found := sides(word)) is not None]
    if not known:
        return None
    word, found = min(known, key=lambda each: (round(_apart(each[1], wanted), 3), abs(each[1][0] - wanted[0])))
    return word if _apart(found, wanted) <= math.log(_RATIOS_APART) else None


def _apart(one: tuple[int, int], other: tuple[int, int]) -> float:
    return abs(math.log(one[0] / one[1]) - math.log(other[0] / other[1]))
