"""Shapes of answers about what an account keeps: models for sale, jobs, files, conversations, memories, runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from local.openapi.shapes.base import Json, Moment, Shape, Usd, ids_listed, listed

JobStatus = Literal["pending", "running", "succeeded", "failed", "canceled"]


class Health(Shape, kw_only=True):
    """The API answers."""

    status: Literal["ok"]
    version: str


class Root(Shape, kw_only=True):
    """Places of the endpoints."""

    object: Literal["gateway"]
    name: str
    base_urls: dict[str, str]
    models: str


class Modalities(Shape, kw_only=True):
    """Kinds of content that a model reads and writes."""

    input: list[str]
    output: list[str]


class Model(Shape, kw_only=True):
    """A model for sale: what it can do, and its prices, whose members depend on its kind."""

    id: str
    object: Literal["model"]
    kind: str
    created: int
    owned_by: str
    provider: str
    pricing: Json
    context_window: int | UnsetType | None = UNSET
    max_output_tokens: int | UnsetType | None = UNSET
    modalities: Modalities | UnsetType = UNSET
    capabilities: list[str] | UnsetType = UNSET
    dimensions: Any | UnsetType = UNSET
    parameters: Json | UnsetType = UNSET
    models: list[str] | UnsetType = UNSET
    knowledge: str | UnsetType = UNSET
    retires_on: str | UnsetType = UNSET
    retired_on: str | UnsetType = UNSET
    successor: str | UnsetType = UNSET
    simulated: bool | UnsetType = UNSET


ModelList = listed("ModelList", Model)


class RouteCandidate(Shape, kw_only=True):
    """A model at a provider that would be asked, with the reasons for its place and the bounds of its price."""

    model: str
    provider: str
    region: str | None
    asked_as: str
    reasons: list[str]
    price_bounds: dict[str, str]
    propensity: float


class RouteAnswer(Shape, kw_only=True):
    """A plan: what would serve a chat request, in order, and what was left out."""

    object: Literal["route"]
    model: str
    grade: Json | None
    candidates: list[RouteCandidate]
    refusal: Json | None
    excluded: list[Json]


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


RunStatus = Literal["pending", "running", "succeeded", "failed", "canceled", "awaiting_confirmation"]


class Step(Shape, kw_only=True):
    """A step of a run; which members are set depends on its type."""

    type: str
    step: int
    tool_name: str | None
    tool_input: Any
    tool_output: Any
    content: str | None
    id: str | UnsetType = UNSET
    node_id: str | UnsetType = UNSET
    agent: str | UnsetType = UNSET
    is_error: bool | UnsetType = UNSET
    passed: bool | UnsetType = UNSET
    failed_node_ids: list[str] | UnsetType = UNSET


class RunError(Shape, kw_only=True):
    """Reason for which a run has failed."""

    code: str
    message: str


class AwaitedCall(Shape, kw_only=True):
    """A call that waits for its owner's consent."""

    id: str
    tool_name: str
    tool_input: Any


class RunSummary(Shape, kw_only=True):
    """A run in a list."""

    id: str
    task_id: str
    object: Literal["agent.run", "task"]
    status: RunStatus
    model: str
    created_at: int
    updated_at: int
    total_cost_usd: Usd | None
    error: RunError | None


RunList = listed("RunList", RunSummary)


class Run(RunSummary, kw_only=True):
    """A run of an agent: its steps, and its result once it has ended."""

    result: str | None
    steps: list[Step]
    steps_used: int
    total_tokens_in: int
    total_tokens_out: int
    tools_not_offered: dict[str, str]
    awaiting: list[AwaitedCall]
    verifier_passed: bool | UnsetType | None = UNSET
    verifier_scores: dict[str, float] | UnsetType | None = UNSET


class PlanNode(Shape, kw_only=True):
    """A part of a task's plan."""

    id: str
    type: str
    goal: str | None
    depends_on: list[str]
    tool: str | UnsetType | None = UNSET
    input: Any | UnsetType = UNSET


class TaskPlan(Shape, kw_only=True):
    """The parts of a task, and which of them wait for which."""

    nodes: list[PlanNode]


class DeliverableView(Shape, kw_only=True):
    """A task's result at one of its places; `delivered` is null while the delivery is on its way."""

    type: str
    target: str | None
    content: str | None
    metadata: dict[str, float]
    delivered: bool | None
    delivery_error: str | None


class Task(Run, kw_only=True):
    """A task: a run with a plan and deliverables. A run of an agent that is asked for as a task has none of them."""

    goal: str | UnsetType = UNSET
    plan: TaskPlan | UnsetType = UNSET
    repair_rounds: int | UnsetType = UNSET
    deliverables: list[DeliverableView] | UnsetType = UNSET
    partial: bool | UnsetType = UNSET
    succeeded_node_ids: list[str] | UnsetType = UNSET
    failed_node_ids: list[str] | UnsetType = UNSET


class RunEvent(Shape, kw_only=True):
    """An event of a run's stream: a step, or the end with the whole run."""

    type: Literal["step", "done", "error"]
    step: Step | UnsetType = UNSET
    job: Run | UnsetType = UNSET
    error: Json | UnsetType = UNSET


class ClientSecret(Shape, kw_only=True):
    """A secret that opens realtime sessions in place of a key, with what they are set to."""

    value: str
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
