"""Provides the steps that every media wire shares: open a task, find it, apply its failures, serve its file.

A vendor's wire adds only the place of its task ids and the names of its states.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from local.providers.faults import without_directives
from local.providers.json_value import JsonValue
from local.providers.media_files import File
from local.providers.media_images import SAMPLE
from local.providers.media_tasks import Failure, State, Task, Trouble
from local.providers.wire import (
    Call,
    Frame,
    FrameKind,
    HangUp,
    Headers,
    Refusal,
    Reply,
    Wire,
    route,
)

Refuse = Callable[[int, str, str | None], Refusal]

FILES_PREFIX = "/files"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True, slots=True)
class Order:
    """A vendor's order. `form` is the file's ending; `also` are those of its additional files."""

    vendor: str
    handle: str
    model: str
    prompt: str
    form: str
    also: tuple[str, ...] = ()
    duration_s: float = 5
    attempt: str | None = None
    image_url: str | None = None
    details: dict[str, JsonValue] = field(default_factory=dict)


def open_task(call: Call, order: Order, refuse: Refuse) -> Task:
    """Opens a task for the order. Refuses or cuts the request if its prompt says so."""
    if call.shape.media_fail not in {None, *(failure.value for failure in Failure)}:
        raise refuse(400, f"The simulator has no failure media_fail={call.shape.media_fail}.", None)
    _apply(call.memory.tasks.submission_trouble(order.vendor, order.prompt, call.shape), refuse)
    task = call.memory.tasks.open(
        Task(
            vendor=order.vendor,
            handle=order.handle,
            model=order.model,
            prompt=without_directives(order.prompt),
            form=order.form,
            opened_s=call.memory.tasks.now_s(),
            shape=call.shape,
            also=order.also,
            duration_s=order.duration_s,
            attempt=order.attempt,
            details=order.details,
            image_url=order.image_url,
        )
    )
    if task.image_url is not None and task.submitted == 1:
        call.memory.images.read(task, task.image_url)
    return task


def poll_task(call: Call, vendor: str, handle: str, refuse: Refuse) -> Task | None:
    """Finds the task of a poll, or None if it is unknown. Refuses or cuts the request if its prompt says so."""
    task = call.memory.tasks.find(vendor, handle)
    if task is not None:
        _apply(call.memory.tasks.poll_trouble(task), refuse)
    return task


def state(call: Call, task: Task) -> State:
    """Returns the task's present state."""
    return task.state(call.memory.tasks.now_s())


def progress(call: Call, task: Task) -> int:
    """Returns the task's progress in percent."""
    return task.progress(call.memory.tasks.now_s())


def uuid(call: Call) -> str:
    """Builds a UUID for this call, the kind of task id that most vendors use."""
    digest = hashlib.sha256(call.unique_id("task").encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def root(call: Call) -> str:
    """Returns the address at which the caller reached this process."""
    return f"http://{call.headers.get('host', '127.0.0.1')}"


def file_url(at: str, task: Task, form: str | None = None) -> str:
    """Builds the address of the task's file, below the root `at`."""
    return f"{at}{FILES_PREFIX}/{task.vendor}/{quote(task.handle, safe='')}/output.{form or task.form}"


def files() -> Wire:
    """Serves the files of every vendor that needs no key for them, and an image to start from."""
    return Wire(
        row="files",
        prefix=FILES_PREFIX,
        routes=(
            route("GET", "/image[.]png", lambda _: Reply(200, (("content-type", "image/png"),), SAMPLE)),
            route("GET", "/(?P<vendor>[^/]+)/(?P<handle>[^/]+)/output[.](?P<form>[a-z0-9]+)", _file),
        ),
        authorize=lambda _: None,
        question=lambda _: "",
        model=lambda _: "",
        refusal=_no_file,
    )


def download(call: Call, task: Task, form: str | None = None) -> Reply:
    """Serves the task's file, or the range that the call names. The first download breaks off if its prompt says so."""
    file = task.file(form or task.form)
    size = file.size_bytes
    headers: Headers = (("content-type", file.mime_type), ("accept-ranges", "bytes"))
    found = _RANGE.fullmatch(call.headers.get("range", ""))
    if found is None:
        return _part(200, headers, file, 0, size - 1, task.cut_after())
    first, last = int(found[1]), min(int(found[2] or size - 1), size - 1)
    if first > last:
        return Reply(416, (*headers, ("content-range", f"bytes */{size}")), b"")
    return _part(
        206, (*headers, ("content-range", f"bytes {first}-{last}/{size}")), file, first, last, task.cut_after()
    )


def is_address(url: object) -> bool:
    """True if an image could be read from this address."""
    return isinstance(url, str) and url.startswith(("https://", "http://"))


def _part(status: int, headers: Headers, file: File, first: int, last: int, cut_after: int | None) -> Reply:
    frames = (Frame(FrameKind.STRUCTURE, piece) for piece in file.pieces(first, last))
    return Reply(status, (*headers, ("content-length", str(last - first + 1))), frames, cut_after)


def _file(call: Call) -> Reply:
    task = call.memory.tasks.find(call.params["vendor"], call.params["handle"])
    form = call.params["form"]
    if task is None or state(call, task) is not State.SUCCEEDED or form not in {task.form, *task.also}:
        raise _no_file(404, "There is no such file.", None)
    return download(call, task, form)


def _no_file(status: int, message: str, _code: str | None) -> Refusal:
    return Refusal(status, {"error": message})


def _apply(trouble: Trouble | None, refuse: Refuse) -> None:
    match trouble:
        case Trouble.CUT:
            raise HangUp
        case Trouble.FAILS | Trouble.BUSY:
            raise refuse(trouble.value, f"The simulator was asked for a {trouble.value}.", None)
        case None:
            pass
