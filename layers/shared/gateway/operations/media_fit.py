"""Judges whether a video or 3D model can make what is asked, before any money is held. Pure.

A model makes the shortest of its lengths that is not shorter than asked, which is what is paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct, field

from gateway.canonical.jobs import JobKind
from gateway.canonical.media_models import MediaModel, Use
from gateway.errors import InvalidRequest

DURATION_DEFAULT_S = Decimal(5)
MISSING = "missing_required_parameter"


class InlineFile(Struct, frozen=True):
    """A file that came with the request, and the media type that its sender declares."""

    content: bytes
    mime_type: str | None


class Snapshot(Struct, frozen=True):
    """A reference image as a job keeps it: an object of the media bucket, and its media type by content."""

    object_name: str
    mime_type: str


class MediaRequest(Struct, frozen=True):
    """A request in one meaning for every wire. `reference` is a URL or a file id where it is text.

    Once the image is the gateway's own copy, `reference` is that.

    `names` are the wire's own names of the members that it calls otherwise than the native one; `ratio_default` is its
    aspect ratio where none is asked for. `shown` is what the wire's answers repeat.
    """

    kind: JobKind
    model: str
    prompt: str | None = None
    duration_s: Decimal | None = None
    aspect_ratio: str | None = None
    reference: str | InlineFile | Snapshot | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    output_format: str | None = None
    webhook_url: str | None = None
    allow_fallbacks: bool = True
    ratio_default: str = "16:9"
    names: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)

    def named(self, member: str) -> str:
        """The wire's name of a member of the native one."""
        return self.names.get(member, member)


class Made(Struct, frozen=True):
    """The length and the aspect ratio that a model makes, where it has them."""

    duration_s: Decimal | None
    aspect_ratio: str | None


def made_by(model: MediaModel, asked: MediaRequest) -> Made:
    """The length and ratio that the model makes; raises `InvalidRequest` for what it cannot do."""
    _judge_input(model, asked)
    _judge_prompt(model, asked)
    _judge_extras(model, asked)
    return Made(_duration_s(model, asked), _aspect_ratio(model, asked))


def _judge_input(model: MediaModel, asked: MediaRequest) -> None:
    """Raises `InvalidRequest` unless the model starts from what is given: a prompt, an image, both."""
    prompt, image = asked.named("prompt"), asked.named("reference_image_url")
    match model.reference:
        case Use.NONE if asked.reference is not None:
            raise InvalidRequest(f"The model '{model.id}' takes no reference image.", param=image)
        case Use.REQUIRED if asked.reference is None:
            raise InvalidRequest(f"The model '{model.id}' needs a reference image.", param=image, code=MISSING)
        case Use.INSTEAD if asked.reference is not None and asked.prompt is not None:
            said = f"The model '{model.id}' takes either '{prompt}' or '{image}', not both."
            raise InvalidRequest(said, param=image)
        case Use.INSTEAD if asked.reference is None and asked.prompt is None:
            raise InvalidRequest(f"Give either '{prompt}' or '{image}'.", param=prompt, code=MISSING)
        case Use.NONE | Use.OPTIONAL | Use.REQUIRED | Use.INSTEAD:
            return


def _judge_prompt(model: MediaModel, asked: MediaRequest) -> None:
    param, longest = asked.named("prompt"), model.prompt_characters_max
    if asked.prompt is None:
        if longest is not None and model.reference is not Use.INSTEAD:
            raise InvalidRequest(f"The model '{model.id}' needs a prompt.", param=param, code=MISSING)
        return
    if longest is None:
        raise InvalidRequest(f"The model '{model.id}' takes an image alone, no prompt.", param=param)
    if not asked.prompt.strip():
        raise InvalidRequest("The prompt must not be blank.", param=param)
    _judge_length(model, asked.prompt, longest, param)


def _judge_extras(model: MediaModel, asked: MediaRequest) -> None:
    if asked.negative_prompt is not None:
        if model.negative_prompt_characters_max is None:
            raise InvalidRequest(f"The model '{model.id}' takes no negative prompt.", param="negative_prompt")
        _judge_length(model, asked.negative_prompt, model.negative_prompt_characters_max, "negative_prompt")
    if asked.seed is not None:
        if model.seed_max is None:
            raise InvalidRequest(f"The model '{model.id}' takes no seed.", param="seed")
        if not 0 <= asked.seed <= model.seed_max:
            raise InvalidRequest(f"The model '{model.id}' takes seeds from 0 to {model.seed_max}.", param="seed")
    if asked.output_format is not None and asked.output_format not in model.output_formats:
        known = ", ".join(model.output_formats)
        raise InvalidRequest(f"The model '{model.id}' makes {known}.", param="output_format")


def _judge_length(model: MediaModel, text: str, longest: int, param: str) -> None:
    if len(text) > longest:
        raise InvalidRequest(f"The model '{model.id}' takes at most {longest} characters here.", param=param)


def _duration_s(model: MediaModel, asked: MediaRequest) -> Decimal | None:
    """The length that the model makes; without one asked for, its shortest that is not under 5 s."""
    if model.durations is None:
        return None
    wanted = DURATION_DEFAULT_S if asked.duration_s is None else asked.duration_s
    param = asked.named("duration_sec")
    if model.durations.whole and wanted != wanted.to_integral_value():
        raise InvalidRequest(f"The model '{model.id}' makes whole seconds only.", param=param)
    made = model.durations.holding(wanted)
    if made is None:
        longest = model.durations.values_s[-1]
        raise InvalidRequest(f"The model '{model.id}' makes at most {longest:f} seconds.", param=param)
    return made


def _aspect_ratio(model: MediaModel, asked: MediaRequest) -> str | None:
    """The ratio that the model makes; nothing where it is the reference image's."""
    param = asked.named("aspect_ratio")
    if model.ratio_of_reference and asked.reference is not None:
        if asked.aspect_ratio is not None:
            said = f"With a reference image, the model '{model.id}' takes its aspect ratio from the image."
            raise InvalidRequest(said, param=param)
        return None
    if not model.aspect_ratios:
        return None
    wanted = asked.aspect_ratio or asked.ratio_default
    if wanted in model.aspect_ratios:
        return wanted
    if asked.aspect_ratio is None:
        return model.aspect_ratios[0]
    raise InvalidRequest(f"The model '{model.id}' makes {', '.join(model.aspect_ratios)}.", param=param)
