"""Converts media providers' answers to the same errors and types for all of them.

A failed exchange is one of the gateway's errors; a task that failed is a `Failed`. A provider's own words get into
either only where the order is at fault, and then without keys, addresses and account ids.
"""

from __future__ import annotations

from posixpath import splitext
from urllib.parse import urlsplit

from gateway.canonical.jobs import JobError
from gateway.canonical.media import Failed, ProviderAnswer
from gateway.errors import GatewayError, InvalidRequest, UpstreamError
from gateway.protocols.shared.provider_errors import INVALID, UNEXPLAINED, credentials, meaning, retry_after_s, scrubbed
from gateway.protocols.shared.provider_json import UNREADABLE

UNTYPED = "application/octet-stream"
# By what a file's name ends with. FBX has no registered type; this is its name in use.
MIME_TYPES = {
    "mp4": "video/mp4",
    "glb": "model/gltf-binary",
    "obj": "model/obj",
    "stl": "model/stl",
    "usdz": "model/vnd.usdz+zip",
    "fbx": "model/vnd.fbx",
}

MODERATION = "moderation"


def refusal(answer: ProviderAnswer, words: object, *, moderated: bool = False, ours: bool = False) -> GatewayError:
    """Converts a refused request; `words` are the provider's, for the caller whose order it cannot accept.

    `ours` says that the gateway's own account is at fault, although the status blames the request.
    """
    if ours:
        return credentials()
    if answer.status in INVALID:
        return InvalidRequest(scrubbed(words) or UNEXPLAINED, code=MODERATION if moderated else None)
    return meaning(answer.status, retry_after_s(answer.headers))


def unknown_status(word: object) -> UpstreamError:
    """A word for a task's state that is in no table: asked again, since it may be on its way to one that is."""
    return UpstreamError(f"The provider named a status that is not known: {scrubbed(word) or 'none'}.")


def blocked(words: object = None) -> Failed:
    """The provider's rules do not let the task through."""
    return Failed(JobError(MODERATION, scrubbed(words) or "The provider's content rules refused the request."))


def unfit(words: object) -> Failed:
    """The order turned out to be one that the provider cannot take."""
    return Failed(JobError("invalid_request", scrubbed(words) or UNEXPLAINED))


def broken() -> Failed:
    """The provider failed at the task; another attempt may do better."""
    return Failed(JobError("upstream_error", "The provider failed while making the result.", retryable=True))


def lost() -> Failed:
    """The provider does not know the task that it took."""
    return Failed(JobError("task_lost", "The provider has lost the task.", retryable=True))


def stopped() -> Failed:
    """The task was ended at the provider, not by the gateway."""
    return Failed(JobError("canceled_upstream", "The task was canceled at the provider.", retryable=True))


def as_name(value: object) -> str:
    """A task's id or address: a text with something in it."""
    if not isinstance(value, str) or not value:
        raise UpstreamError(UNREADABLE)
    return value


def mime_type(url: str) -> str:
    """Guesses a file's type from its address; reading the file shows the real one."""
    return MIME_TYPES.get(splitext(urlsplit(url).path)[1].lower().removeprefix("."), UNTYPED)
