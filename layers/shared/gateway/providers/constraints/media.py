"""Pictures, files and sounds for models that take them; pictures under the type that they are of, and that is seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from gateway.canonical.media_types import type_of_image
from gateway.canonical.parts import Image, InlineMedia, Message, Part, ToolResult, input_kind
from gateway.canonical.target import Target
from gateway.errors import InvalidRequest
from gateway.providers.constraints.table import Constraints


def refuse_media(messages: tuple[Message, ...], target: Target) -> None:
    """Raises `InvalidRequest` for a picture, file or sound where the model takes none; a text file is text anywhere."""
    for at, message in enumerate(messages if target.takes is not None else ()):
        for place, part in enumerate(message.parts):
            for piece in part.parts if isinstance(part, ToolResult) else (part,):
                kind = input_kind(piece)
                if kind is not None and kind not in (target.takes or ()):
                    path = f"messages[{at}].content[{place}]"
                    taken = ", ".join(target.takes or ())
                    message_ = f"Invalid '{path}': this model takes no input of kind '{kind}'. It takes: {taken}."
                    raise InvalidRequest(message_, param=path, code="unsupported_content")


def fit_media(messages: tuple[Message, ...], limits: Constraints) -> tuple[Message, ...]:
    """The conversation with each picture's own type; raises `InvalidRequest` for one that the target cannot see."""
    if not any(isinstance(part, Image | ToolResult) for message in messages for part in message.parts):
        return messages
    return tuple(
        replace(message, parts=tuple(_fitting(message.parts, limits, f"messages[{at}]")))
        for at, message in enumerate(messages)
    )


def _fitting(parts: Iterable[Part], limits: Constraints, path: str) -> Iterator[Part]:
    for place, part in enumerate(parts):
        yield _fit(part, limits, f"{path}.content[{place}]")


def _fit(part: Part, limits: Constraints, path: str) -> Part:
    match part:
        case Image():
            return _fit_image(part, limits, path)
        case ToolResult():
            pieces = (_fit_image(piece, limits, path) if isinstance(piece, Image) else piece for piece in part.parts)
            return replace(part, parts=tuple(pieces))
        case _:
            return part


def _fit_image(image: Image, limits: Constraints, path: str) -> Image:
    return replace(image, source=_typed(image.source, limits, path)) if isinstance(image.source, InlineMedia) else image


def _typed(source: InlineMedia, limits: Constraints, path: str) -> InlineMedia:
    media_type = type_of_image(source.data_base64) or source.media_type
    if limits.image_types and media_type not in limits.image_types:
        known = ", ".join(f"'{known}'" for known in limits.image_types)
        message = f"Invalid '{path}': unsupported media type '{media_type[:100]}'. Supported are: {known}."
        raise InvalidRequest(message, param=path, code="unsupported_content")
    return source if media_type == source.media_type else replace(source, media_type=media_type)
