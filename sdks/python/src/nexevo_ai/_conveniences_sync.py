"""Resources' common ground, and what they have beyond single requests: waits, streams that go on, uploads.

Written by `sdks/python/generate.py` from `_conveniences_async.py`."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Mapping, Optional, Type, TypeVar, Union

import httpx

from nexevo_ai._answers import BinaryResponse, RawResponse, SyncPage
from nexevo_ai._client import SyncTransport
from nexevo_ai._errors import JobFailedError, NexevoError, WaitTimeoutError
from nexevo_ai._models import Object, parsed
from nexevo_ai._request import Call, call_of, path_part
from nexevo_ai._streaming import Stream, whole_chat
from nexevo_ai._webhooks import TOLERANCE_S, verified
from nexevo_ai.types import AcceptedJob, ChatCompletion, ChatCompletionChunk, Job, RunEvent, Task, Upload

R = TypeVar("R", bound="Resource")
Progress = Callable[[Any], object]
OVER = ("succeeded", "failed", "canceled", "awaiting_confirmation")
JSON_TYPE = "application/json"
STREAM = "/v1/agents/run/stream"


class Resource:
    """Methods of one part of the API."""

    def __init__(self, client: SyncTransport, *, is_raw: bool = False) -> None:
        self._client = client
        self._is_raw = is_raw

    @property
    def with_raw_response(self: R) -> R:
        """The same methods, which answer with a `RawResponse`: headers, status, and `parse()`."""
        return type(self)(self._client, is_raw=True)

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
        if event is not None and wants_events:
            return Stream(event, self._client.send(call, stream=True))
        if element is not None:
            return self._page(call, element)
        response = self._client.send(call)

        def shown(answer: httpx.Response) -> Any:
            media = answer.headers.get("content-type", "").partition(";")[0]
            if kind is not None and media == JSON_TYPE:
                return parsed(accepted if accepted is not None and answer.status_code == 202 else kind, answer.json())
            return answer.text if kind is not None else BinaryResponse(answer)

        return RawResponse(response, shown) if self._is_raw else shown(response)

    def _page(self, call: Call, element: Any) -> Any:
        response = self._client.send(call)

        def following(query: Dict[str, str]) -> Any:
            return self._page(Call(call.method, call.path, {**call.query, **query}, headers=call.headers), element)

        def shown(answer: httpx.Response) -> Any:
            page: Any = parsed(SyncPage[element], answer.json())
            page._next = following
            return page

        return RawResponse(response, shown) if self._is_raw else shown(response)


def ended(
    look: Callable[[], Any], poll_interval_sec: float, timeout_sec: float, on_progress: Optional[Progress], first: Any
) -> Any:
    """Looks until what is waited for is over; raises `WaitTimeoutError` when the time is."""
    until_s, seen = time.monotonic() + timeout_sec, first
    while True:
        if seen is None or seen.status not in OVER:
            seen = look()
            if on_progress is not None:
                on_progress(seen)
        if seen.status in OVER:
            return seen
        if time.monotonic() + poll_interval_sec > until_s:
            raise WaitTimeoutError(f"{seen.id} was not over in {timeout_sec:g} s; it goes on", seen)
        time.sleep(poll_interval_sec)


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
    ) -> Job:
        """The job once it has succeeded; raises `WaitTimeoutError` (a `TimeoutError`) or `JobFailedError`.

        `on_progress` is called with the job as each look has found it.
        """
        return waited(self, job_id, poll_interval_sec, timeout_sec, on_progress)


def waited(
    resource: Resource, job_id: str, poll_interval_sec: float, timeout_sec: float, on_progress: Optional[Progress]
) -> Job:
    """The job once it has succeeded."""
    plain = Resource(resource._client)

    def look() -> Any:
        return plain._ask(Call("GET", f"/v1/generation/jobs/{path_part(job_id)}"), kind=Job)

    job: Job = good(ended(look, poll_interval_sec, timeout_sec, on_progress, None))
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
        begun: AcceptedJob = self.generate(model=model, prompt=prompt, **params)
        return waited(self, begun.job_id, poll_interval_sec, timeout_sec, on_progress)


class Models3dHelpers(VideosHelpers):
    """Makes 3D models and waits for them."""


class UploadsHelpers(Resource):
    """Uploads reference images."""

    def upload(
        self,
        file: Any,
        *,
        filename: str = "image",
        content_type: str = "application/octet-stream",
        **options: Any,
    ) -> Upload:
        """Stores a reference image: bytes, or a file that is open for reading. Its `url` and `id` go into media fields."""
        content = file if isinstance(file, bytes) else file.read()
        arguments = {"file": (filename, content, content_type), **options}
        call = call_of("POST", "/v1/generation/upload", arguments, body=("file",), is_form=True, is_once=True)
        upload: Upload = self._ask(call, kind=Upload)
        return upload


def run_ended(
    resource: Resource,
    task_id: str,
    poll_interval_sec: float,
    timeout_sec: float,
    on_progress: Optional[Progress],
    first: Any = None,
) -> Task:
    """The run once it is over, or waits for its owner's consent."""
    plain = Resource(resource._client)

    def look() -> Any:
        return plain._ask(Call("GET", f"/v1/tasks/{path_part(task_id)}"), kind=Task)

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
        first = None
        if task_id is None:
            if "task" not in params:
                raise NexevoError("give the id of a run, or task=… to begin one")
            first = self.run(**{**params, "wait": False})
            task_id = str(first.id)
        return run_ended(self, task_id, poll_interval_sec, timeout_sec, on_progress, first)

    def run_stream(self, task: str, **params: Any) -> Stream[RunEvent]:
        """Begins a run and streams its steps; after a cut it goes on behind the last one that came."""
        call = call_of("POST", STREAM, {"task": task, **params}, body=("task",), is_once=True)
        return Stream(RunEvent, self._client.send(call, stream=True), self._resumed)

    def resume_stream(self, last_event_id: str) -> Stream[RunEvent]:
        """Goes on with the stream of a run behind an event: `task_…:3`; `task_…:0` is the beginning."""
        return Stream(RunEvent, self._resumed(last_event_id), self._resumed)

    def _resumed(self, last_event_id: str) -> httpx.Response:
        call = Call("GET", STREAM, headers={"Last-Event-ID": last_event_id})
        return self._client.send(call, stream=True)


class TasksHelpers(Resource):
    """Waits for tasks."""

    def wait(
        self,
        task_id: str,
        *,
        poll_interval_sec: float = 2,
        timeout_sec: float = 600,
        on_progress: Optional[Progress] = None,
    ) -> Task:
        """The task once it is over, failed ones too, or waits for consent; raises `WaitTimeoutError` else."""
        return run_ended(self, task_id, poll_interval_sec, timeout_sec, on_progress)


class ChatCompletionsHelpers(Resource):
    """Streams chat with what its chunks come to."""

    create: Any

    def stream(self, model: str, messages: Any, **params: Any) -> ChatStream:
        """A stream with helpers: `text()` and `final()`."""
        events = self.create(model=model, messages=messages, **{**params, "stream": True})
        return ChatStream(ChatCompletionChunk, events.response)


class ChatStream(Stream[ChatCompletionChunk]):
    """A chat stream that can tell its text and the whole answer."""

    def __init__(self, kind: Type[ChatCompletionChunk], response: httpx.Response) -> None:
        super().__init__(kind, response)
        self._chunks: list[ChatCompletionChunk] = []

    def __iter__(self) -> Any:
        for chunk in self._events:
            self._chunks.append(chunk)
            yield chunk

    def text(self) -> Any:
        """The pieces of the first answer's text, as they come."""
        for chunk in self:
            piece = chunk.choices[0].delta.content if chunk.choices else None
            if piece:
                yield piece

    def final(self) -> ChatCompletion:
        """The whole answer; reads the rest of the stream."""
        for _ in self:
            pass
        whole: ChatCompletion = parsed(ChatCompletion, whole_chat(self._chunks))
        return whole


class WebhooksHelpers(Resource):
    """Verifies webhooks."""

    def verify(
        self, payload: Union[str, bytes], headers: Mapping[str, str], secret: str, *, tolerance_sec: int = TOLERANCE_S
    ) -> Object:
        """The content of a webhook; raises `WebhookVerificationError` where its signature or time is not good."""
        return verified(payload, headers, secret, tolerance_sec)
