"""Tests of a simulated task's states by the clock and the words of its prompt, and of access to it."""

from __future__ import annotations

from typing import Any

import pytest

from local.providers.faults import Fault, parse, without_directives
from local.providers.media_tasks import Failure, State, Task, TaskStore, Trouble, attempt_in


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def task(handle: str = "t-1", vendor: str = "replicate", **given: Any) -> Task:
    shape = given.pop("shape", Fault())
    return Task(vendor, handle, "m", "a cube", "mp4", opened_s=0.0, shape=shape, **given)


def states(made: Task, *seconds: float) -> list[State]:
    return [made.state(second) for second in seconds]


def test_a_task_is_queued_then_runs_then_succeeds() -> None:
    assert states(task(), 0, 0.1, 0.29, 0.3) == [State.QUEUED, State.RUNNING, State.RUNNING, State.SUCCEEDED]


def test_progress_goes_from_nothing_to_all() -> None:
    made = task(shape=parse({"media_s": "10"}))
    assert [made.progress(second) for second in (0, 2.5, 9.99, 10, 11)] == [0, 25, 99, 100, 100]


def test_a_task_without_time_is_done_at_once() -> None:
    made = task(shape=parse({"media_s": "0"}))
    assert (states(made, 0), made.progress(0.0)) == ([State.SUCCEEDED], 100)


def test_a_late_task_takes_ten_times_as_long() -> None:
    assert states(task(shape=parse({"media_s": "2", "media_late": True})), 19, 20) == [State.RUNNING, State.SUCCEEDED]


@pytest.mark.parametrize("why", ["moderation", "internal", "invalid"])
def test_a_task_that_is_to_fail_runs_until_then(why: str) -> None:
    made = task(shape=parse({"media_fail": why}))
    assert states(made, 0.2, 0.3) == [State.RUNNING, State.FAILED]
    assert made.failure is not None
    assert made.failure.value == why


def test_a_canceled_task_stays_so() -> None:
    made = task()
    made.canceled = True
    assert states(made, 0, 1) == [State.CANCELED, State.CANCELED]


def test_a_vendor_sees_its_own_tasks_only() -> None:
    book = TaskStore(Clock())
    made = book.open(task())
    assert (book.find("replicate", "t-1"), book.find("fal", "t-1"), book.find("replicate", "t-2")) == (made, None, None)


def test_a_lost_task_was_taken_and_is_unknown() -> None:
    book = TaskStore(Clock())
    book.open(task(shape=parse({"media_lost": True})))
    assert book.find("replicate", "t-1") is None
    assert [told["handle"] for told in book.describe()["tasks"]] == ["t-1"]


def test_two_submissions_with_one_key_are_one_task() -> None:
    book = TaskStore(Clock())
    first = book.open(task("t-1", attempt="k", details={"idempotent": True}))
    second = book.open(task("t-2", attempt="k", details={"idempotent": True}))
    assert (first, first.submitted, len(book.describe()["tasks"])) == (second, 2, 1)


def test_two_submissions_without_a_key_are_two_tasks_that_can_be_counted() -> None:
    book = TaskStore(Clock())
    book.open(task("t-1", attempt="gen_1-1"))
    book.open(task("t-2", attempt="gen_1-1"))
    assert [(told["handle"], told["attempt"]) for told in book.describe()["tasks"]] == [
        ("t-1", "gen_1-1"),
        ("t-2", "gen_1-1"),
    ]


def test_troubles_come_in_turns_and_end() -> None:
    book = TaskStore(Clock())
    shape = parse({"media_submit_errors": "4"})
    troubles = [book.submission_trouble("fal", "p", shape) for _ in range(5)]
    assert troubles == [Trouble.FAILS, Trouble.BUSY, Trouble.CUT, Trouble.FAILS, None]


def test_polls_are_counted_by_task() -> None:
    book = TaskStore(Clock())
    troubled = book.open(task(shape=parse({"media_poll_errors": "1"})))
    assert [book.poll_trouble(troubled), book.poll_trouble(troubled), book.poll_trouble(task("t-2"))] == [
        Trouble.FAILS,
        None,
        None,
    ]
    assert troubled.polls == 2


def test_a_download_is_cut_the_first_time_only() -> None:
    made = task(shape=parse({"media_cut": "10"}))
    assert [made.cut_after(), made.cut_after()] == [10, None]


def test_the_control_api_says_what_a_task_is_and_forgets_it() -> None:
    book = TaskStore(Clock())
    book.open(task(attempt="gen_1-2"))
    assert book.describe() == {
        "tasks": [
            {
                "vendor": "replicate",
                "handle": "t-1",
                "model": "m",
                "prompt": "a cube",
                "form": "mp4",
                "attempt": "gen_1-2",
                "submitted": 1,
                "polls": 0,
                "downloads": 0,
                "canceled": False,
                "callbacks": [],
                "image_read": None,
                "state": "queued",
            }
        ]
    }
    book.clear()
    assert book.describe() == {"tasks": []}


def test_the_words_are_no_part_of_what_was_asked() -> None:
    assert without_directives("a cube [[sim: media_s=3 media_fail=internal]]") == "a cube"


@pytest.mark.parametrize(
    ("url", "attempt"),
    [
        ("https://g.example/Stage/v1/callbacks/fal/gen_1/3", "gen_1-3"),
        ("https://g.example/v1/callbacks/fal/gen_1/3?x=1", "gen_1-3"),
        ("https://g.example/hook", None),
        (None, None),
    ],
)
def test_a_callbacks_address_names_the_attempt(url: str | None, attempt: str | None) -> None:
    assert attempt_in(url) == attempt


def test_a_task_runs_until_its_image_is_read() -> None:
    made = task(image_url="http://127.0.0.1:1/a.png")
    assert states(made, 0.1, 60) == [State.RUNNING, State.RUNNING]
    made.image_read = True
    assert states(made, 0.1, 0.3) == [State.RUNNING, State.SUCCEEDED]


def test_a_task_without_its_image_is_invalid() -> None:
    made = task(image_url="http://127.0.0.1:1/a.png", image_read=False, shape=parse({"media_fail": "internal"}))
    assert (states(made, 0.3), made.failure) == ([State.FAILED], Failure.INVALID)
