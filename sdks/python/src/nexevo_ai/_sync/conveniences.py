"""Resources' common ground, and what they have beyond single requests: waits, streams that go on, uploads.

Written by `sdks/python/generate.py` from `_async/conveniences.py`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar, Union

import httpx

from nexevo_ai._answers import BinaryResponse, RawResponse, whole
from nexevo_ai._errors import (
    APIConnectionError,
    InternalServerError,
    JobFailedError,
    NexevoError,
    RateLimitError,
    WaitTimeoutError,
)
from nexevo_ai._models import Object, parsed
from nexevo_ai._request import Call, FileContent, RequestOptions, call_of, file_part, look_options, path_part
from nexevo_ai._streaming import RUN_STREAM, Place, ResponsePlace, RunPlace
from nexevo_ai._sync.answers import Streamed, StreamedResponse, SyncPage
from nexevo_ai._sync.streams import ChatStream, Stream
from nexevo_ai._sync.transport import SyncTransport
from nexevo_ai._webhooks import TOLERANCE_S, verified
from nexevo_ai.types import AcceptedJob, Job, RunEvent, Task, Upload

if TYPE_CHECKING:
    from typing_extensions import Unpack

R = TypeVar("R", bound="Resource")
Progress = Callable[[Any], object]
OVER = ("succeeded", "failed", "canceled", "awaiting_confirmation")


class Resource:
    """Methods of one part of the API."""

    def __init__(self, client: SyncTransport, *, form: str = "") -> None:
        self._client = client
        self._form = form

    @property
    def with_raw_response(self: R) -> R:
        """The same methods, which answer with a `RawResponse`: headers, status, and `parse()`."""
        return type(self)(self._client, form="raw")

    @property
    def with_streaming_response(self) -> Any:
        """The same methods, to be used by `with`: an answer whose body is read as it comes."""
        return Streamed(type(self)(self._client, form="streamed"))

    @property
    def _plain(self: R) -> R:
        """The same methods, with answers as they are."""
        return type(self)(self._client)

    def _place(self, _call: Call) -> Place:
        """The place in the stream that the call brings."""
        return Place()

    def _ask(
        self,
        call: Call,
        *,
        kind: Any = None,
        event: Any = None,
        accepted: Any = None,
        element: Any = None,
    ) -> Any:
        """The answer in the form that its type and the request call for."""
        body = call.body or {}
        wants_events = bool(body.get("stream") or call.query.get("stream") or body.get("stream_format") == "sse")
        if event is None or not wants_events:
            event = None
        if element is not None and self._form != "streamed":
            return self._page(call, element)
        response = self._client.send(call, stream=event is not None or self._form == "streamed")

        def shown(answer: httpx.Response) -> Any:
            if event is not None:
                return Stream(event, answer, self._place(call), self._opened)
            if element is not None:
                return self._listed(call, element, answer)
            if kind is None:
                return BinaryResponse(answer)
            return whole(accepted if accepted is not None and answer.status_code == 202 else kind, answer)

        return self._formed(response, shown)

    def _formed(self, response: httpx.Response, shown: Callable[[httpx.Response], Any]) -> Any:
        if self._form == "streamed":
            return StreamedResponse(response, shown)
        return RawResponse(response, shown) if self._form else shown(response)

    def _opened(self, call: Call) -> httpx.Response:
        return self._client.send(call, stream=True)

    def _page(self, call: Call, element: Any) -> Any:
        response = self._client.send(call)
        return self._formed(response, lambda answer: self._listed(call, element, answer))

    def _listed(self, call: Call, element: Any, answer: httpx.Response) -> Any:
        def following(query: dict[str, str]) -> Any:
            return self._plain._page(replace(call, query={**call.query, **query}), element)

        page: Any = whole(SyncPage[element], answer)
        page._next = following
        return page


def judge_times(poll_interval_sec: float, timeout_sec: float) -> None:
    """Raises `ValueError` for times that no wait can have, so that nothing is begun and paid for ahead of it."""
    if not poll_interval_sec >= 0 or math.isnan(timeout_sec):
        said = "poll_interval_sec should be 0 or more, and timeout_sec a number"
        raise ValueError(f"{said}, not {poll_interval_sec} and {timeout_sec}")


def ended(
    look: Callable[[], Any],
    poll_interval_sec: float,
    timeout_sec: float,
    on_progress: Optional[Progress],
    first: Any,
) -> Any:
    """Looks until what is waited for is over; raises `WaitTimeoutError` when the time is.

    A look that fails by the connection or the gateway's load is no end: what is waited for goes on.
    """
    judge_times(poll_interval_sec, timeout_sec)
    until_s, seen, failure = time.monotonic() + timeout_sec, first, None
    while seen is None or seen.status not in OVER:
        try:
            seen, failure = look(), None
        except (APIConnectionError, InternalServerError, RateLimitError) as error:
            if seen is None:
                raise
            failure = error
        else:
            told(on_progress, seen)
            if seen.status in OVER:
                break
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise WaitTimeoutError(f"{seen.id} was not over in {timeout_sec:g} s; it goes on", seen) from failure
        time.sleep(min(poll_interval_sec, left_s))
    return seen


def told(on_progress: Optional[Progress], seen: Any) -> object:
    """Calls back with what a look has found; a callback may be async too."""
    return None if on_progress is None else on_progress(seen)


def good(job: Any) -> Any:
    """The job; raises `JobFailedError` for one that has come to nothing."""
    if job.status in ("failed", "canceled"):
        error = job.get("error")
        said = f": {error['message']}" if error else ""
        raise JobFailedError(f"{job.id} has {'failed' if job.status == 'failed' else 'been canceled'}{said}", job)
    return job


class JobsHelpers(Resource):
    """Waits for jobs of media."""

    def wait(
        self,
        job_id: str,
        *,
        poll_interval_sec: float = 5,
        timeout_sec: float = 600,
        on_progress: Optional[Progress] = None,
        **options: Unpack[RequestOptions],
    ) -> Job:
        """The job once it has succeeded; raises `WaitTimeoutError` (a `TimeoutError`) or `JobFailedError`.

        `on_progress` is called with the job as each look has found it; options are those of each look.
        """
        return waited(self, job_id, poll_interval_sec, timeout_sec, on_progress, options)


def waited(
    resource: Resource,
    job_id: str,
    poll_interval_sec: float,
    timeout_sec: float,
    on_progress: Optional[Progress],
    options: Mapping[str, Any],
    first: Any = None,
) -> Job:
    """The job once it has succeeded."""
    plain, path = Resource(resource._client), f"/v1/generation/jobs/{path_part(job_id)}"

    def look() -> Any:
        return plain._ask(Call("GET", path).with_options(look_options(options)), kind=Job)

    job: Job = good(ended(look, poll_interval_sec, timeout_sec, on_progress, first))
    return job


class VideosHelpers(Resource):
    """Makes videos and waits for them."""

    generate: Any

    def generate_and_wait(
        self,
        model: str,
        prompt: Optional[str] = None,
        *,
        poll_interval_sec: float = 5,
        timeout_sec: float = 600,
        on_progress: Optional[Progress] = None,
        **params: Any,
    ) -> Job:
        """Begins a video and waits for it; raises `WaitTimeoutError` (a `TimeoutError`) or `JobFailedError`."""
        judge_times(poll_interval_sec, timeout_sec)
        begun: AcceptedJob = self._plain.generate(model=model, prompt=prompt, **params)
        first = {**begun.to_dict(), "id": begun.job_id}
        return waited(self, begun.job_id, poll_interval_sec, timeout_sec, on_progress, params, parsed(Job, first))


class Models3dHelpers(VideosHelpers):
    """Makes 3D models and waits for them."""


class UploadsHelpers(Resource):
    """Uploads reference images."""

    def upload(
        self,
        file: FileContent,
        *,
        filename: Optional[str] = None,
        content_type: Optional[str] = None,
        **options: Unpack[RequestOptions],
    ) -> Upload:
        """Stores a reference image: bytes, an open file, a path, or a tuple. Its `url` and `id` go into media."""
        arguments = {"file": file_part(file, filename, content_type), **options}
        call = call_of("POST", "/v1/generation/upload", arguments, body=("file",), is_form=True, is_once=True)
        upload: Upload = self._ask(call, kind=Upload)
        return upload


def run_ended(
    resource: Resource,
    task_id: str,
    poll_interval_sec: float,
    timeout_sec: float,
    on_progress: Optional[Progress],
    options: Mapping[str, Any],
    first: Any = None,
) -> Task:
    """The run once it is over, or waits for its owner's consent."""
    plain, path = Resource(resource._client), f"/v1/tasks/{path_part(task_id)}"

    def look() -> Any:
        return plain._ask(Call("GET", path).with_options(look_options(options)), kind=Task)

    run: Task = ended(look, poll_interval_sec, timeout_sec, on_progress, first)
    return run


class AgentsHelpers(Resource):
    """Follows runs of agents."""

    run: Any

    def run_and_wait(
        self,
        task_id: Optional[str] = None,
        *,
        poll_interval_sec: float = 2,
        timeout_sec: float = 300,
        on_progress: Optional[Progress] = None,
        **params: Any,
    ) -> Task:
        """Waits for a run that was begun, or begins one (`task=…`) and waits for it.

        It returns the run once it is over, failed ones too, or waits for consent; raises `WaitTimeoutError` (a
        `TimeoutError`) when the time is over.
        """
        judge_times(poll_interval_sec, timeout_sec)
        first = None
        if task_id is None:
            if "task" not in params:
                raise NexevoError("give the id of a run, or task=… to begin one")
            first = self._plain.run(**{**params, "wait": False})
            task_id = str(first.id)
        return run_ended(self, task_id, poll_interval_sec, timeout_sec, on_progress, params, first)

    def run_stream(self, task: str, **params: Any) -> Stream[RunEvent]:
        """Begins a run and streams its steps; after a cut it goes on behind the last one that came."""
        call = call_of("POST", RUN_STREAM, {"task": task, **params}, body=("task",), is_once=True)
        return Stream(RunEvent, self._opened(call), RunPlace(call), self._opened)

    def resume_stream(self, last_event_id: str, **options: Any) -> Stream[RunEvent]:
        """Goes on with the stream of a run behind an event: `task_…:3`; `task_…:0` is the beginning."""
        call = Call("GET", RUN_STREAM).with_options(options)
        call.headers["Last-Event-ID"] = last_event_id
        return Stream(RunEvent, self._opened(call), RunPlace(call), self._opened)


class ResponsesHelpers(Resource):
    """Goes on with the streams of responses that run in the background."""

    def _place(self, _call: Call) -> Place:
        runs_on = _call.method == "GET" or bool((_call.body or {}).get("background"))
        return ResponsePlace(_call) if runs_on else Place()


class TasksHelpers(Resource):
    """Waits for tasks."""

    def wait(
        self,
        task_id: str,
        *,
        poll_interval_sec: float = 2,
        timeout_sec: float = 600,
        on_progress: Optional[Progress] = None,
        **options: Unpack[RequestOptions],
    ) -> Task:
        """The task once it is over, failed ones too, or waits for consent; raises `WaitTimeoutError` else."""
        return run_ended(self, task_id, poll_interval_sec, timeout_sec, on_progress, options)


class ChatCompletionsHelpers(Resource):
    """Streams chat with what its chunks come to."""

    create: Any

    def stream(self, model: str, messages: Any, **params: Any) -> ChatStream:
        """A stream with helpers: `text()` and `final()`."""
        events = self._plain.create(model=model, messages=messages, **{**params, "stream": True})
        return ChatStream(events.response)


class WebhooksHelpers(Resource):
    """Verifies webhooks."""

    def verify(
        self, payload: Union[str, bytes], headers: Mapping[str, str], secret: str, *, tolerance_sec: int = TOLERANCE_S
    ) -> Object:
        """The content of a webhook; raises `WebhookVerificationError` where its signature or time is not good."""
        return verified(payload, headers, secret, tolerance_sec)
