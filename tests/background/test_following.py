"""Tests of a background response's events: whole, numbered, and resumable after any of them at any time."""

import asyncio

import orjson
import pytest

from gateway.canonical.jobs import JobKind, JobStatus, Phase
from gateway.errors import ServiceUnavailable
from gateway.http.routes import FOLLOW_MARGIN_S
from tests.app.harness import ACCOUNT
from tests.background.harness import BEGUN, SAID, Place, by_key, frames, names, number, said

pytestmark = pytest.mark.anyio

MODELS = ["gpt-4o", "claude-haiku-4-5", "deepseek-chat"]
SLOW = f"{SAID} [[sim: chunks=12 chunk_ms=15]]"
STALLED = f"{SAID} [[sim: chunks=8 stall_after=4]]"


def suffix(body: bytes, after: int) -> bytes:
    """Returns the events after a number, with the terminal mark."""
    return b"".join(frame.raw for frame in frames(body) if (own := number(frame)) is None or own > after)


async def streamed(home: Place, text: str = SAID, model: str = "gpt-4o") -> tuple[str, bytes]:
    """Streams a background response to its end and returns its id and events."""
    answer = await home.create(text, model=model, stream=True)
    await home.executions.finished()
    assert (answer.status, answer.headers["content-type"].split(";")[0]) == (200, "text/event-stream")
    return frames_id(answer.body), said(answer.body)


def frames_id(body: bytes) -> str:
    """Returns the response's id from its first event."""
    found: str = orjson.loads(frames(body)[0].data)["response"]["id"]
    return found


@pytest.mark.parametrize("model", MODELS)
async def test_its_events_are_numbered_without_a_gap_from_its_creation_to_its_end(home: Place, model: str) -> None:
    _, body = await streamed(home, model=model)
    numbers = [number(frame) for frame in frames(body)[:-1]]
    assert numbers == list(range(len(numbers)))
    assert (names(body)[0], names(body)[-1]) == ("response.created", "response.completed")
    assert frames(body)[-1].data == b"[DONE]"


@pytest.mark.parametrize("model", MODELS)
async def test_its_last_event_has_the_response_that_is_kept(home: Place, model: str) -> None:
    response_id, body = await streamed(home, model=model)
    last = orjson.loads(frames(body)[-2].data)
    kept = await home.get(response_id)
    assert last["response"] | {"nexevo": last["nexevo"]} == kept
    assert kept["store"] is True
    assert (kept["id"], kept["background"], kept["status"]) == (response_id, True, "completed")


@pytest.mark.parametrize("model", MODELS)
async def test_events_that_are_resumed_name_items_as_the_response_that_is_kept_does(home: Place, model: str) -> None:
    response_id, _ = await streamed(home, model=model)
    resumed = await home.stream(response_id, after=1)
    events = [orjson.loads(frame.data) for frame in frames(said(resumed.body))[:-1]]
    kept = await home.get(response_id)
    ids = {item["id"] for item in kept["output"]}
    assert {event["item_id"] for event in events if "item_id" in event} == ids
    assert {event["item"]["id"] for event in events if "item" in event} == ids
    assert all(identity.startswith("msg_nxn-") for identity in ids)


@pytest.mark.parametrize("model", MODELS)
async def test_after_its_end_its_events_go_on_exactly_after_any_of_them(home: Place, model: str) -> None:
    response_id, body = await streamed(home, model=model)
    assert said((await home.stream(response_id)).body) == body
    for after in range(len(frames(body)) + 2):
        assert (await home.stream(response_id, after)).body == suffix(body, after), after


async def test_while_it_runs_its_events_go_on_exactly_after_any_of_them(home: Place) -> None:
    response_id = (await home.create(SLOW)).json["id"]
    await home.objects.arrived(BEGUN)
    resumed = await asyncio.gather(*(home.stream(response_id, after) for after in range(20)))
    await home.executions.finished()
    body = said((await home.stream(response_id)).body)
    assert len(frames(body)) > 15
    assert [said(answer.body) for answer in resumed] == [suffix(body, after) for after in range(20)]


async def test_they_come_as_they_are_said(home: Place) -> None:
    answer = await home.create(SLOW, stream=True)
    assert len([piece for _, piece in answer.pieces if piece != b": NX\n\n"]) > 3
    assert answer.pieces[-1][0] - answer.pieces[0][0] > 0.1


async def test_one_that_was_not_asked_to_stream_can_be_streamed_too(home: Place) -> None:
    response_id = (await home.create()).json["id"]
    assert names((await home.stream(response_id)).body)[-1] == "response.completed"


async def test_a_follower_waits_for_one_that_is_queued(home: Place) -> None:
    home.executions.held = True
    response_id = (await home.create()).json["id"]
    following = asyncio.create_task(home.stream(response_id))
    await asyncio.sleep(0)
    home.executions.release()
    assert names((await following).body)[-1] == "response.completed"


async def test_a_follower_that_has_heard_all_gets_an_end_and_no_event(home: Place) -> None:
    response_id, body = await streamed(home)
    answer = await home.stream(response_id, len(frames(body)))
    assert (answer.status, answer.ended, names(answer.body)) == (200, True, [])


async def test_a_follower_of_one_that_was_cancelled_hears_what_it_had_said(home: Place) -> None:
    answer = (await home.create(STALLED)).json
    await home.objects.arrived(BEGUN)
    following = asyncio.create_task(home.stream(answer["id"]))
    await home.call("POST", f"/{answer['id']}/cancel")
    heard = (await following).body
    assert names(heard)[0] == "response.created"
    assert "response.completed" not in names(heard)


async def test_a_follower_of_one_that_never_ran_gets_an_empty_stream(home: Place) -> None:
    home.executions.held = True
    response_id = (await home.create()).json["id"]
    await home.call("POST", f"/{response_id}/cancel")
    home.executions.release()
    await home.executions.finished()
    answer = await home.stream(response_id)
    assert (answer.status, answer.body, answer.ended) == (200, b"", True)
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_a_failure_is_the_last_event_after_a_creation(home: Place) -> None:
    response_id, body = await streamed(home, "[[sim: status=400 code=invalid_prompt]]")
    first, last = (orjson.loads(frame.data) for frame in frames(body))
    assert (first["type"], first["sequence_number"]) == ("response.created", 0)
    assert (last["type"], last["sequence_number"]) == ("response.failed", 1)
    assert (last["response"]["status"], last["response"]["error"]["code"]) == ("failed", "invalid_prompt")
    # SDKs treat a member of that name as a failure of the connection.
    assert "error" not in last
    assert (await home.get(response_id))["error"] == last["response"]["error"]


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 5000, "\u0661"])
async def test_a_number_that_is_none_is_refused(home: Place, after: str) -> None:
    refused = await home.call("GET", f"/resp_nxn-1?stream=true&starting_after={after}")
    assert (refused.status, refused.error["param"]) == (400, "starting_after")


async def test_events_that_are_not_kept_any_more_are_not_found(home: Place) -> None:
    response_id, _ = await streamed(home)
    await home.objects.delete(f"{(await home.job(response_id)).order['log']}/000000")
    gone = await home.stream(response_id)
    assert (gone.status, gone.error["code"]) == (404, "response_not_found")


async def test_a_follower_is_let_go_before_its_invocation_ends_and_goes_on_in_another(home: Place) -> None:
    response_id = (await home.create(STALLED)).json["id"]
    await home.objects.arrived(BEGUN)
    cut = await home.call("GET", f"/{response_id}?stream=true", seconds_left=FOLLOW_MARGIN_S + 0.2)
    assert (cut.status, cut.ended, names(cut.body)[0]) == (200, True, "response.created")


async def test_a_keyed_stream_whose_events_cannot_be_read_runs_on_and_is_not_begun_again(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_name: str) -> bytes:
        raise ServiceUnavailable("away")

    home.executions.held = True
    with monkeypatch.context() as patched:
        patched.setattr(home.jobs, "get", away)
        first = await home.create(stream=True, headers=by_key("k1"))
    second = await home.create(stream=True, headers=by_key("k1"))
    assert (first.status, second.status, second.headers["idempotent-replayed"]) == (200, 200, "true")
    assert (len(home.executions.waiting), await home.held()) == (1, 1)


async def test_a_client_that_leaves_does_not_end_it(home: Place) -> None:
    following = asyncio.create_task(home.create(SLOW, stream=True))
    await home.objects.arrived(BEGUN)
    following.cancel()
    await home.executions.finished()
    (job,) = await home.jobs.page(ACCOUNT, [JobKind.RESPONSE], limit=2)
    assert (job.status, job.phase) == (JobStatus.SUCCEEDED, Phase.ENDED)
