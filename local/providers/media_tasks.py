"""Models a media task on every wire: queued, running, then succeeded or failed.

The clock and the words of the prompt (README.md beside this file) decide a task's state at each request. A wire
only writes the state in its vendor's words.
"""

from __future__ import annotations

import enum
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from local.providers.faults import Fault
from local.providers.json_value import Json, JsonValue
from local.providers.media_files import File, model, video

# The seconds that a task takes unless its prompt says otherwise, and the extra seconds of a late one.
DURATION_S = 0.3
LATE = 10.0
_QUEUED_PART = 0.2
_SECONDS = 5
_KEPT = 4_096
_CALLBACK = re.compile(r"/([^/]+)/(\d+)(?:\?.*)?")


class State(enum.Enum):
    """The state of a task at this moment."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def ended(self) -> bool:
        """True if the state is final."""
        return self not in {State.QUEUED, State.RUNNING}


class Failure(enum.Enum):
    """The reason why a task fails, if its prompt says `media_fail`."""

    MODERATION = "moderation"
    INTERNAL = "internal"
    INVALID = "invalid"


@dataclass(slots=True)
class Task:
    """One task of one vendor. Times are seconds of the task book's clock.

    `form` is the ending of its main file; `also` are the endings of files that its vendor makes in addition.

    `attempt` tells one submission from another by a value that the vendor sees: an idempotency key, an external
    id, or the end of a callback's address. `image_read` says whether an image was at `image_url`, once that is known.
    """

    vendor: str
    handle: str
    model: str
    prompt: str
    form: str
    opened_s: float
    shape: Fault
    also: tuple[str, ...] = ()
    duration_s: float = _SECONDS
    attempt: str | None = None
    details: Mapping[str, JsonValue] = field(default_factory=dict)
    submitted: int = 1
    polls: int = 0
    downloads: int = 0
    canceled: bool = False
    callbacks: list[int | None] = field(default_factory=list)
    image_url: str | None = None
    image_read: bool | None = None

    @property
    def takes_s(self) -> float:
        """The seconds from its submission to its end."""
        duration_s = DURATION_S if self.shape.media_s is None else self.shape.media_s
        return duration_s * LATE if self.shape.media_late else duration_s

    @property
    def failure(self) -> Failure | None:
        """The failure of an unreadable image or of its prompt's `media_fail`, if any."""
        if self.image_read is False:
            return Failure.INVALID
        return None if self.shape.media_fail is None else Failure(self.shape.media_fail)

    def state(self, now_s: float) -> State:
        """Returns the state at a time."""
        if self.canceled:
            return State.CANCELED
        elapsed_s = now_s - self.opened_s
        reading = self.image_url is not None and self.image_read is None
        if elapsed_s >= self.takes_s and not reading:
            return State.SUCCEEDED if self.failure is None else State.FAILED
        return State.QUEUED if elapsed_s < self.takes_s * _QUEUED_PART else State.RUNNING

    def progress(self, now_s: float) -> int:
        """Returns the progress in percent."""
        if not self.takes_s:
            return 100
        return min(100, max(0, math.floor(100 * (now_s - self.opened_s) / self.takes_s)))

    def file(self, form: str) -> File:
        """Returns its output in that form."""
        if form == "mp4":
            return video(round(self.duration_s * 1000), self.shape.media_bytes)
        return model(form, self.shape.media_bytes)

    def cut_after(self) -> int | None:
        """Returns the size after which this download breaks off. Each call counts as one download."""
        self.downloads += 1
        return self.shape.media_cut if self.downloads == 1 else None

    def describe(self, now_s: float) -> Json:
        """Describes the task for the control API."""
        return {
            "vendor": self.vendor,
            "handle": self.handle,
            "model": self.model,
            "prompt": self.prompt,
            "form": self.form,
            "attempt": self.attempt,
            "submitted": self.submitted,
            "polls": self.polls,
            "downloads": self.downloads,
            "canceled": self.canceled,
            "callbacks": self.callbacks,
            "image_read": self.image_read,
            "state": self.state(now_s).value,
        }


class Trouble(enum.Enum):
    """A failure that the prompt asks for, in turns: a 500, a 429, and a connection that is cut."""

    FAILS = 500
    BUSY = 429
    CUT = 0


class TaskStore:
    """Every task of the process; the oldest is dropped first.

    It holds the only state of this module. `now_s` is its clock.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self.now_s = now_s
        self._tasks: dict[tuple[str, str], Task] = {}
        self._submissions: dict[tuple[str, str], int] = {}

    def submission_trouble(self, vendor: str, prompt: str, shape: Fault) -> Trouble | None:
        """Returns this submission's failure by `media_submit_errors`. Each call counts as one submission."""
        key = (vendor, prompt)
        self._submissions[key] = self._submissions.get(key, 0) + 1
        return _trouble(self._submissions[key], shape.media_submit_errors)

    def poll_trouble(self, task: Task) -> Trouble | None:
        """Returns this poll's failure by `media_poll_errors`. Each call counts as one poll."""
        task.polls += 1
        return _trouble(task.polls, task.shape.media_poll_errors)

    def open(self, task: Task) -> Task:
        """Stores a new task, or returns the earlier one with the same key of the same vendor."""
        known = self._by_attempt(task)
        if known is not None:
            known.submitted += 1
            return known
        self._tasks[task.vendor, task.handle] = task
        while len(self._tasks) > _KEPT:
            del self._tasks[next(iter(self._tasks))]
        return task

    def find(self, vendor: str, handle: str) -> Task | None:
        """Finds the vendor's task, unless it has been lost."""
        task = self._tasks.get((vendor, handle))
        return None if task is None or task.shape.media_lost else task

    def describe(self) -> Json:
        """Describes every task for the control API, oldest first."""
        return {"tasks": [task.describe(self.now_s()) for task in self]}

    def clear(self) -> None:
        """Removes every task and every count."""
        self._tasks.clear()
        self._submissions.clear()

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks.values())

    def _by_attempt(self, task: Task) -> Task | None:
        if not task.details.get("idempotent"):
            return None
        same = (known for known in self if (known.vendor, known.attempt) == (task.vendor, task.attempt))
        return next(same, None)


def _trouble(turn: int, wanted: int | None) -> Trouble | None:
    return list(Trouble)[(turn - 1) % len(Trouble)] if turn <= (wanted or 0) else None


def attempt_in(callback_url: str | None) -> str | None:
    """Extracts the attempt from a callback's address, which ends with `job-number`."""
    found = _CALLBACK.search(callback_url or "")
    return None if found is None else f"{found[1]}-{found[2]}"
