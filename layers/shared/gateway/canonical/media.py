"""Orders to media models and states of the providers' tasks, in one form for all vendors."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

from gateway.canonical.jobs import JobError


class ReferenceImage(Struct, frozen=True):
    """The image to start from: a URL that the provider may read for a day, and the file itself."""

    url: str
    mime_type: str
    content: bytes


class MediaOrder(Struct, frozen=True):
    """One attempt's request; fields that its model does not take were refused before.

    `model` is the provider's own name. `attempt_id` is new for each attempt, and is sent to a vendor that takes a key
    against double submission. `callback_url` is the URL for a provider with webhooks to report the end.
    """

    model: str
    attempt_id: str
    prompt: str | None = None
    duration_s: Decimal | None = None
    aspect_ratio: str | None = None
    reference: ReferenceImage | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    output_format: str | None = None
    callback_url: str | None = None


class ProviderAnswer(Struct, frozen=True):
    """A provider's whole answer. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Output(Struct, frozen=True):
    """One file that a task made: at a URL, with the headers that open it, or as `content` in the answer itself."""

    mime_type: str
    url: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes | None = None
    duration_ms: int | None = None
    width: int | None = None
    height: int | None = None


class Running(Struct, frozen=True):
    """The task is not done; `progress` is in percent, if the vendor reports it."""

    progress: int | None = None


class Done(Struct, frozen=True):
    """The files that the task made: at least one."""

    outputs: tuple[Output, ...]


class Failed(Struct, frozen=True):
    """The task has ended without files, for good. `error.retryable` is true if another attempt may succeed."""

    error: JobError


class Moved(Struct, frozen=True):
    """The result must be requested under another handle, at once."""

    handle: str


TaskState: TypeAlias = Running | Done | Failed | Moved
