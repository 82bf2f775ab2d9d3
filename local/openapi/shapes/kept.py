"""Shapes of answers about what an account keeps: jobs, files, conversations, memories, ratings, cached answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from local.openapi.shapes.base import Json, Moment, Secret, Shape, Usd, ids_listed, listed

JobStatus = Literal["pending", "running", "succeeded", "failed", "canceled"]


class JobResult(Shape, kw_only=True):
    """A result; its URL is signed for 24 hours, and a later look signs it afresh."""

    url: str | None
    b64_json: str | None
    mime_type: str
    duration_ms: int | None
    width: int | None
    height: int | None
    bytes: int


class JobErrorView(Shape, kw_only=True):
    """Reason for which a job has failed."""

    code: str
    message: str
    retryable: bool


class AcceptedJob(Shape, kw_only=True):
    """A job that was accepted: ask for its state until it has ended."""

    job_id: str
    status: JobStatus
    kind: str
    model: str
    model_used: str
    duration_sec: float | None
    created_at: Moment


class Job(Shape, kw_only=True):
    """A job of media."""

    id: str
    kind: str
    model: str
    model_used: str
    status: JobStatus
    progress: Annotated[int, Meta(ge=0, le=100)] | None
    results: list[JobResult]
    charged_usd: Usd | None
    error: JobErrorView | None
    created_at: Moment
    updated_at: Moment


JobList = listed("JobList", Job)


class Upload(Shape, kw_only=True):
    """An uploaded file; `url` and `id` are taken by every media field."""

    id: str
    object: Literal["file"]
    url: str
    mime_type: str
    bytes: int
    created_at: Moment
    expires_at: Moment


class PresignedUpload(Shape, kw_only=True):
    """A form by which a large file is posted into storage: its fields first, then the file in the field `file`."""

    id: str
    object: Literal["file.upload"]
    method: Literal["POST"]
    url: str
    fields: dict[str, str]
    expires_at: Moment


class File(Shape, kw_only=True):
    """A kept file, as OpenAI's SDKs read it."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: str
    status_details: str | None


FileList = ids_listed("FileList", File)


class VideoErrorView(Shape, kw_only=True):
    """Reason for which a video has failed."""

    code: str
    message: str


class Video(Shape, kw_only=True):
    """A job of video, as OpenAI's SDKs read it."""

    id: str
    object: Literal["video"]
    created_at: int
    completed_at: int | None
    expires_at: int | None
    status: Literal["queued", "in_progress", "completed", "failed"]
    progress: int
    model: str
    model_used: str
    seconds: str | None
    size: str | None
    prompt: str | None
    remixed_from_video_id: str | None
    error: VideoErrorView | None


VideoList = ids_listed("VideoList", Video)


class Conversation(Shape, kw_only=True):
    """A conversation without its contents."""

    id: str
    conversation_id: str
    object: Literal["conversation"]
    title: str | None
    metadata: Json
    created_at: int
    updated_at: int
    expires_at: int | None
    item_count: int


class ConversationMessage(Shape, kw_only=True):
    """A message with its text."""

    id: str
    message_id: str
    object: Literal["conversation.message"]
    conversation_id: str
    role: str | None
    content: str
    created_at: int


class ConversationDetail(Conversation, kw_only=True):
    """A conversation with its newest messages, oldest of them first."""

    messages: list[ConversationMessage]
    has_more: bool


class ConversationDeleted(Shape, kw_only=True):
    """Answer to the deletion of a conversation."""

    id: str
    conversation_id: str
    object: Literal["conversation.deleted"]
    deleted: bool


class Item(Shape, kw_only=True):
    """An item of a conversation, as the Responses API has them."""

    type: str
    id: str | UnsetType = UNSET


ConversationList = listed("ConversationList", Conversation)
ItemList = ids_listed("ItemList", Item)


class Memory(Shape, kw_only=True):
    """A value that agents remember."""

    object: Literal["memory"]
    level: Literal["task", "tenant"]
    key: str
    value: str
    updated_at: Moment | None


MemoryList = listed("MemoryList", Memory)


class MemoryDeleted(Shape, kw_only=True):
    """A value that agents no longer remember."""

    object: Literal["memory.deleted"]
    level: Literal["tenant"]
    key: str
    deleted: bool


class ClientSecret(Shape, kw_only=True):
    """A secret that opens realtime sessions in place of a key, with what they are set to."""

    value: Secret
    expires_at: int
    session: dict[str, Any]


class Feedback(Shape, kw_only=True):
    """A rating of a generation; `replaced` tells that it takes the place of an earlier one."""

    object: Literal["feedback"]
    generation_id: str
    rating: Literal[1, -1]
    comment: str | None
    tags: list[str]
    model: str
    created_at: Moment
    replaced: bool


class Votes(Shape, kw_only=True):
    """Counts of ratings."""

    count: int
    positive: int
    negative: int
    positive_share: float | None
    model: str | UnsetType | None = UNSET
    key_id: str | UnsetType | None = UNSET
    tag: str | UnsetType | None = UNSET


class FeedbackSummary(Shape, kw_only=True):
    """Ratings of the last days, today included."""

    object: Literal["feedback.summary"]
    days: int
    total: Votes
    by_model: list[Votes]
    by_key: list[Votes]
    by_tag: list[Votes]
    more_tags: bool


class CacheSavings(Shape, kw_only=True):
    """Counts of answers from the cache, and what they have saved."""

    hits: int
    misses: int
    hit_rate: float | None
    saved_usd: Usd
    saved_input_tokens: int
    saved_output_tokens: int


class CacheDay(CacheSavings, kw_only=True):
    """Counts of one day in UTC."""

    date: str


class CacheChecks(Shape, kw_only=True):
    """A key's hits by meaning that were checked, and how many of their answers disagreed."""

    key_id: str
    checked: int
    disagreed: int
    false_hit_rate: float | None
    stopped_at: str | None


class CacheStats(CacheSavings, kw_only=True):
    """Counts of the last days, today included, and the checks of hits by meaning."""

    object: Literal["cache.stats"]
    days: int
    by_day: list[CacheDay]
    semantic: list[CacheChecks]


class CacheDeleted(Shape, kw_only=True):
    """A deletion of kept answers; the rest of very many is left to another call."""

    object: Literal["cache.deleted"]
    deleted: int
    has_more: bool
