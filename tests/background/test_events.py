"""Tests of a run's event log: in order, nothing lost while the store fails, and no event sent before it is stored."""

import asyncio

import pytest

from gateway.errors import NotFound, ServiceUnavailable
from gateway.framing.sse import sse_event
from gateway.protocols.openai_responses.background import numbered_after
from gateway.responses import events
from gateway.responses.events import EventLog, batch_name, followed
from tests.background.harness import Objects

pytestmark = pytest.mark.anyio

LOG = "responses/x/events"


def event(number: int, name: str = "response.output_text.delta") -> bytes:
    return sse_event(b'{"type":"%b","sequence_number":%d}' % (name.encode(), number), name)


class Told:
    """The batches that the log reports. It can fail on request."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.is_away = False

    async def __call__(self, batches: int) -> None:
        if self.is_away:
            raise ServiceUnavailable("away")
        self.batches.append(batches)


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def log(objects: Objects, told: Told) -> EventLog:
    return EventLog(objects, LOG, told)


async def kept(objects: Objects, batches: int) -> list[bytes | None]:
    return [await objects.get(batch_name(LOG, batch)) for batch in range(batches)]


async def test_what_is_written_at_once_is_one_batch(log: EventLog, objects: Objects, told: Told) -> None:
    for number in range(3):
        await log.write(event(number))
    await log.close()
    assert (await kept(objects, 1), told.batches) == ([event(0) + event(1) + event(2)], [1])


async def test_what_is_written_is_kept_soon_without_being_asked(log: EventLog, objects: Objects, told: Told) -> None:
    for number in range(2):
        await log.write(event(number))
        await objects.arrived(f"/events/00000{number}")
    assert await kept(objects, 2) == [event(0), event(1)]
    await log.close()
    assert told.batches == [1, 2]


async def test_what_is_written_while_a_batch_is_being_kept_is_kept_too(objects: Objects, told: Told) -> None:
    class Late(Objects):
        async def put(self, name: str, body: bytes) -> None:
            if not objects.names:
                await writing.write(event(1))
            await objects.put(name, body)

    writing = EventLog(Late(), LOG, told)
    await writing.write(event(0))
    await objects.arrived("/events/000001")
    assert await kept(objects, 2) == [event(0), event(1)]
    await writing.close()


async def test_a_large_batch_is_kept_at_once(log: EventLog, objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BATCH_BYTES_MAX", 100)
    await log.write(event(0) * 2)
    assert objects.names == [batch_name(LOG, 0)]


async def test_nothing_is_lost_while_the_store_is_away(log: EventLog, objects: Objects, told: Told) -> None:
    objects.away = {LOG}
    await log.write(event(0))
    await objects.refused.wait()
    await log.write(event(1))
    objects.away = set()
    await log.close()
    assert (await kept(objects, 1), told.batches) == ([event(0) + event(1)], [1])


async def test_what_could_not_be_told_is_told_with_the_next(log: EventLog, told: Told) -> None:
    told.is_away = True
    await log.write(event(0))
    with pytest.raises(ServiceUnavailable):
        await log.close()
    told.is_away = False
    await log.close()
    assert told.batches == [1]


async def test_what_cannot_be_kept_in_the_end_is_said(log: EventLog, objects: Objects) -> None:
    objects.away = {LOG}
    await log.write(event(0))
    with pytest.raises(ServiceUnavailable):
        await log.close()


async def test_a_failure_has_to_be_an_event_from_the_first_one_on(log: EventLog) -> None:
    committed = [log.committed]
    await log.write(event(0))
    committed.append(log.committed)
    await log.close()
    assert [*committed, log.committed] == [False, True, True]


async def test_another_process_goes_on_where_the_first_one_ended(log: EventLog, objects: Objects, told: Told) -> None:
    await log.write(event(0) + event(1))
    await log.close()
    second = EventLog(objects, LOG, told)
    assert not await second.go_on(1)
    assert second.next_number == 2
    await second.write(event(2))
    await second.close()
    assert (await kept(objects, 2), told.batches) == ([event(0) + event(1), event(2)], [1, 2])


@pytest.mark.parametrize("name", ["response.completed", "response.incomplete", "response.failed", "error"])
async def test_a_log_that_has_come_to_its_end_says_so(log: EventLog, objects: Objects, told: Told, name: str) -> None:
    await log.write(event(0) + event(1, name))
    await log.close()
    assert await EventLog(objects, LOG, told).go_on(1)


async def test_a_log_without_batches_begins_at_the_first_number(log: EventLog) -> None:
    assert not await log.go_on(0)
    assert log.next_number == 0


async def test_a_follower_gets_each_batch_once_until_the_run_is_over(objects: Objects) -> None:
    stands = [(0, True), (1, True), (1, True), (3, False)]
    for batch in range(3):
        await objects.put(batch_name(LOG, batch), event(batch))

    async def standing() -> tuple[int, bool]:
        return stands.pop(0)

    events = await followed(objects, LOG, -1, 0, standing)
    assert [more async for more in events] == [event(0), event(1), event(2)]


async def test_a_first_batch_that_is_gone_is_not_found_before_any_event_is_awaited(objects: Objects) -> None:
    async def standing() -> tuple[int, bool]:
        raise AssertionError("no more is to be read")

    with pytest.raises(NotFound):
        await followed(objects, LOG, -1, 1, standing)


async def test_a_later_batch_that_is_gone_ends_the_events(objects: Objects) -> None:
    await objects.put(batch_name(LOG, 0), event(0))

    async def standing() -> tuple[int, bool]:
        return 2, False

    events = await followed(objects, LOG, -1, 1, standing)
    assert await anext(events) == event(0)
    with pytest.raises(NotFound):
        await anext(events)


async def test_the_first_batch_is_read_once(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    async def get(name: str) -> bytes:
        read.append(name)
        return event(0)

    async def standing() -> tuple[int, bool]:
        return 1, False

    monkeypatch.setattr(objects, "get", get)
    assert [more async for more in await followed(objects, LOG, -1, 1, standing)] == [event(0)]
    assert read == [batch_name(LOG, 0)]


async def test_a_follower_that_leaves_leaves_nothing_behind(objects: Objects) -> None:
    async def standing() -> tuple[int, bool]:
        return 0, True

    events = await followed(objects, LOG, -1, 0, standing)
    following = asyncio.ensure_future(anext(aiter(events)))
    await asyncio.sleep(0)
    following.cancel()
    assert await asyncio.gather(following, return_exceptions=True)


@pytest.mark.parametrize(("after", "left"), [(-1, (0, 1, 2)), (0, (1, 2)), (1, (2,)), (2, ()), (9, ())])
def test_events_above_a_number_are_left_and_the_highest_is_known(after: int, left: tuple[int, ...]) -> None:
    body = b"".join(event(number) for number in range(3))
    assert numbered_after(body, after) == (b"".join(event(number) for number in left), max(2, after))


def test_the_terminal_mark_has_no_number_and_stays() -> None:
    assert numbered_after(event(4) + sse_event(b"[DONE]"), 4) == (sse_event(b"[DONE]"), 4)
