"""Reads the bodies of the generation routes with bounds that hold for every model. Unknown members are refused.

The native bodies are section 7 of the public contract; `/v1/videos` is OpenAI's, as JSON or as a form.
https://platform.openai.com/docs/api-reference/videos/create
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec import Meta

from gateway.canonical.jobs import JobKind
from gateway.errors import InvalidRequest
from gateway.files.inputs import FILE_BYTES_MAX
from gateway.framing.multipart import FormPart
from gateway.operations.media_fit import InlineFile, MediaRequest
from gateway.protocols.shared.body import Body

PROMPT_CHARACTERS_MAX = 32_000
URL_CHARACTERS_MAX = 8_192
SEED_MAX = 2**32 - 1
# OpenAI's sizes: only the ratio is used, because each model has its own resolution.
RATIOS = {"1280x720": "16:9", "720x1280": "9:16", "1792x1024": "16:9", "1024x1792": "9:16"}
OPENAI_MODEL, OPENAI_SIZE = "sora-2", "720x1280"
OPENAI_NAMES = {"duration_sec": "seconds", "aspect_ratio": "size", "reference_image_url": "input_reference"}
SECONDS_MIN, SECONDS_MAX, SECONDS_DIGITS_MAX = 1, 30, 8


class Seconds(Decimal):
    """A JSON number of seconds, exact; a float is refused, because it has lost digits."""

    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "number", "minimum": SECONDS_MIN, "maximum": SECONDS_MAX}

    @classmethod
    def read(cls, value: object) -> Self:
        found = cls(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else cls(0)
        if not SECONDS_MIN <= found <= SECONDS_MAX or len(found.as_tuple().digits) > SECONDS_DIGITS_MAX:
            bounds = f"from {SECONDS_MIN} to {SECONDS_MAX}, of at most {SECONDS_DIGITS_MAX} digits"
            raise ValueError(f"Input should be a number of seconds {bounds}")
        return found


class SpelledSeconds(Seconds):
    """Seconds as text, as OpenAI's clients send them, or as a number."""

    SCHEMA: ClassVar[Mapping[str, Any]] = {"anyOf": [Seconds.SCHEMA, {"type": "string", "pattern": "^[0-9]{1,3}$"}]}

    @classmethod
    def read(cls, value: object) -> Self:
        is_spelled = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 3
        return super().read(Decimal(str(value)) if is_spelled else value)


OPENAI_SECONDS = SpelledSeconds(4)
Model = Annotated[str, Meta(min_length=1, max_length=128)]
Prompt = Annotated[str, Meta(min_length=1, max_length=PROMPT_CHARACTERS_MAX)]
Url = Annotated[str, Meta(min_length=1, max_length=URL_CHARACTERS_MAX)]
Seed = Annotated[int, Meta(ge=0, le=SEED_MAX)]


class Preferences(Body, frozen=True, kw_only=True):
    """The caller's routing preferences that apply to media models."""

    allow_fallbacks: bool = True


class VideoRequest(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/videos/generations`."""

    model: Model
    prompt: Prompt | None = None
    duration_sec: Seconds | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] | None = None
    reference_image_url: Url | None = None
    negative_prompt: Prompt | None = None
    seed: Seed | None = None
    webhook_url: Url | None = None
    provider: Preferences = Preferences()

    def to_media_request(self) -> MediaRequest:
        """The request in the form shared by all media routes."""
        return MediaRequest(
            kind=JobKind.VIDEO,
            model=self.model,
            prompt=self.prompt,
            duration_s=None if self.duration_sec is None else Decimal(self.duration_sec),
            aspect_ratio=self.aspect_ratio,
            reference=self.reference_image_url,
            negative_prompt=self.negative_prompt,
            seed=self.seed,
            webhook_url=self.webhook_url,
            allow_fallbacks=self.provider.allow_fallbacks,
        )


class Model3dRequest(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/3d/generations`."""

    model: Model
    prompt: Prompt | None = None
    reference_image_url: Url | None = None
    output_format: Literal["glb", "obj", "usdz", "stl", "fbx"] = "glb"
    seed: Seed | None = None
    webhook_url: Url | None = None
    provider: Preferences = Preferences()

    def to_media_request(self) -> MediaRequest:
        """The request in the form shared by all media routes."""
        return MediaRequest(
            kind=JobKind.MODEL_3D,
            model=self.model,
            prompt=self.prompt,
            reference=self.reference_image_url,
            output_format=self.output_format,
            seed=self.seed,
            webhook_url=self.webhook_url,
            allow_fallbacks=self.provider.allow_fallbacks,
        )


class ImageReference(Body, frozen=True, kw_only=True):
    """OpenAI's object in place of a file."""

    file_id: Url | None = None
    image_url: Url | None = None


class OpenAIVideoRequest(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/videos`, without the file of a form."""

    prompt: Prompt
    model: Model = OPENAI_MODEL
    seconds: SpelledSeconds = OPENAI_SECONDS
    size: Literal["1280x720", "720x1280", "1792x1024", "1024x1792"] | None = None
    input_reference: ImageReference | None = None

    def to_media_request(self, file: InlineFile | None) -> MediaRequest:
        """The request in the form shared by all media routes."""
        return MediaRequest(
            kind=JobKind.VIDEO,
            model=self.model,
            prompt=self.prompt,
            duration_s=Decimal(self.seconds),
            aspect_ratio=None if self.size is None else RATIOS[self.size],
            reference=file or self._reference(),
            ratio_default=RATIOS[OPENAI_SIZE],
            names=OPENAI_NAMES,
            shown={"size": self.size or OPENAI_SIZE},
        )

    def _reference(self) -> str | None:
        given = self.input_reference
        if given is None:
            return None
        if (given.file_id is None) == (given.image_url is None):
            raise InvalidRequest("Give either 'file_id' or 'image_url'.", param="input_reference")
        return given.file_id or given.image_url


class PresignRequest(Body, frozen=True, kw_only=True):
    """Body of `POST /v1/files/presign`."""

    purpose: Literal["generation", "reference_image", "vision", "user_data"]
    size: Annotated[int, Meta(ge=1, le=FILE_BYTES_MAX)]
    type: Annotated[str, Meta(min_length=1, max_length=100)]
    filename: Annotated[str, Meta(max_length=255)] = ""


def form_members(parts: tuple[FormPart, ...]) -> tuple[dict[str, Any], InlineFile | None]:
    """A form's fields as members of a JSON body, `a[b]` as a member of a member, and its one file."""
    members: dict[str, Any] = {}
    file: InlineFile | None = None
    for part in parts:
        outer, bracket, inner = part.name.partition("[")
        if part.name in members or (part.filename is not None and (file or part.name != "input_reference")):
            raise InvalidRequest("The field is not expected, or given twice.", param=part.name[:200])
        if part.filename is not None:
            file = InlineFile(part.content, part.mime_type)
        elif bracket:
            members.setdefault(outer, {})[inner.removesuffix("]")] = part.text
        else:
            members[part.name] = part.text
    if file is not None and "input_reference" in members:
        raise InvalidRequest("Give either a file or a reference to one.", param="input_reference")
    return members, file
