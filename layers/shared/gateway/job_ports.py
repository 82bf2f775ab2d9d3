"""What work that outlives its request needs of the world besides `ports`: jobs, executions, files, as shapes.

A module of its own, so that a chat's cold start does not pay for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.canonical.jobs import Job, JobKind


class Jobs(Protocol):
    """Jobs by id. Every read by id sees every write before it; lists may lag behind by a moment.

    Where the store cannot be reached a step raises `ServiceUnavailable`; a repeat is safe.
    """

    async def add(self, job: Job) -> None:
        """A new job; raises `Conflict` where its id exists."""

    async def get(self, job_id: str) -> Job | None: ...

    async def put(self, job: Job) -> Job | None:
        """The job with its version raised, or nothing where another write came between: then read it anew."""

    async def page(
        self,
        account_id: str,
        kinds: Collection[JobKind],
        *,
        limit: int,
        before: str | None = None,
        oldest_first: bool = False,
    ) -> Sequence[Job]:
        """The account's jobs of these kinds, newest first; with `before`, only ids that come after it in that order."""

    async def remove(self, job: Job) -> None:
        """Forgets the job, if it is known."""

    def due(self, now_s: float) -> AsyncIterator[Job]:
        """The jobs that have not ended and whose `due_s` is over, each as it stands."""


class Executions(Protocol):
    """The state machines' executions. Where they cannot be reached a step raises `ServiceUnavailable`."""

    async def start(self, kind: JobKind, job_id: str, run: int) -> None:
        """Starts the execution of that name; one that was started before is left alone."""

    async def stop(self, kind: JobKind, job_id: str, run: int) -> None:
        """Ends the execution, if it runs."""

    async def wake(self, token: str, output: Mapping[str, object]) -> None:
        """Ends the wait of that token; one that is over already is left alone."""


class Notices(Protocol):
    """Where it waits to be told that a job has ended. Where it cannot be reached, `ServiceUnavailable`."""

    async def put(self, job: Job) -> None:
        """Has the job's webhook told, at least once and with the same message id each time."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart upload, from 1."""

    number: int
    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What a store says of an object without reading it."""

    size_bytes: int
    mime_type: str


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A presigned POST: where the form goes, and the fields that come before the file."""

    url: str
    fields: Mapping[str, str]


class MediaObjects(Protocol):
    """Files in the media bucket, in parts, and the addresses by which others may read or write them.

    Where the store cannot be reached a step raises `ServiceUnavailable`; a repeat is safe.
    """

    async def put(self, name: str, body: bytes, mime_type: str) -> None: ...

    async def facts(self, name: str) -> ObjectFacts | None:
        """What is known of the object, or nothing where there is none."""

    async def read(self, name: str, first: int, last: int) -> bytes | None:
        """The bytes from `first` to `last`, both included, as far as there are any; nothing without an object."""

    async def delete(self, name: str) -> None: ...

    async def begin(self, name: str, mime_type: str) -> str:
        """A multipart upload's id."""

    async def parts(self, name: str, upload_id: str) -> Sequence[Part] | None:
        """The parts that have arrived, in order, or nothing where the upload is over or unknown."""

    async def put_part(self, name: str, upload_id: str, number: int, body: bytes) -> Part: ...

    async def complete(self, name: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Makes the object of its parts; an upload that was completed before is left alone."""

    async def abort(self, name: str, upload_id: str) -> None:
        """Gives the upload up, if it is known."""

    async def url(self, name: str, now_s: float, *, file_name: str | None = None) -> str:
        """An address that reads the object for 24 hours from now, whoever has it."""

    async def form(self, name: str, mime_type: str, size_bytes: int, now_s: float) -> UploadForm:
        """A form that writes the object, of that type and of exactly that size, within a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """What signs an account's webhooks: `current`, and for a day after a rotation the one before it."""

    account_id: str
    current: str
    previous: str | None = None
    previous_until_s: int = 0

    def good(self, now_s: float) -> tuple[str, ...]:
        """The secrets that sign now, the current one first."""
        if self.previous is None or self.previous_until_s <= now_s:
            return (self.current,)
        return (self.current, self.previous)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try to tell a webhook. `status` is its HTTP answer, `error` why there was none; times are epoch seconds."""

    account_id: str
    delivery_id: str
    job_id: str
    message_id: str
    event_type: str
    url: str
    number: int
    at_s: int
    status: int | None = None
    error: str | None = None
    next_at_s: int | None = None

    @property
    def delivered(self) -> bool:
        """Whether the webhook took it."""
        return self.status is not None and 200 <= self.status < 300


class WebhookRecords(Protocol):
    """Accounts' webhook secrets and the log of deliveries, which is kept for 30 days.

    Where the store cannot be reached a step raises `ServiceUnavailable`; a repeat is safe.
    """

    async def secrets(self, account_id: str) -> WebhookSecrets | None: ...

    async def put_secrets(self, secrets: WebhookSecrets, *, instead_of: str | None) -> bool:
        """Writes them where `instead_of` is the current one, or none is; false where another write came before."""

    async def log(self, delivery: Delivery) -> None: ...

    async def deliveries(self, account_id: str, *, limit: int, before: str | None = None) -> Sequence[Delivery]:
        """The account's deliveries, newest first; with `before`, only ids below it."""
