"""Tests of kept conversations: what is added stays in order, once, beside other writers and after deaths."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from gateway.conversations import kept
from gateway.conversations.contents import Contents, message, text_of
from gateway.conversations.kept import Conversations
from gateway.errors import GatewayError, NotFound
from gateway.ports.conversations import ConversationRecords
from gateway.stores.conversations import DynamoConversationRecords
from gateway.transport import Client
from tests.fakes.conversations import MemoryConversationRecords
from tests.fakes.objects import MemoryObjects
from tests.stores.conftest import StoppedClock, api, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
MINE, OTHER = "acct_1", "acct_2"


class Died(Exception):
    """Ends a process at a store's call."""


class Mortal:
    """A store whose process dies before or after its n-th write."""

    def __init__(self, store: Any, step: Callable[[], None]) -> None:
        self._store, self._step = store, step

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)
        if name not in {"put", "create", "delete"}:
            return call

        async def stepped(*given: Any, **named: Any) -> Any:
            self._step()
            answer = await call(*given, **named)
            self._step()
            return answer

        return stepped


class Room:
    """Conversations over stores that several processes share."""

    def __init__(self, records: ConversationRecords | None = None) -> None:
        self.records = records or MemoryConversationRecords()
        self.objects, self.clock = MemoryObjects(), StoppedClock()
        self.conversations = Conversations(self.records, self.objects, self.clock)

    def dying(self, steps: int) -> Conversations:
        """A process that dies at a step of its writes."""
        left = steps

        def step() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Died

        return Conversations(Mortal(self.records, step), Mortal(self.objects, step), self.clock)

    async def begin(self, *texts: str) -> str:
        said = [message("user", text) for text in texts]
        made = await self.conversations.create(MINE, self.conversations.new_id(), None, "{}", said)
        return made.conversation_id

    async def say(self, conversation_id: str, text: str) -> None:
        write = self.conversations.new_write()
        await self.conversations.append(MINE, conversation_id, write, [message("user", text)])

    async def texts(self, conversation_id: str) -> list[str]:
        record, contents = await self.conversations.read(MINE, conversation_id)
        assert record.items == len(contents.entries)
        return [text_of(entry.item) for entry in contents.entries]


async def test_what_is_added_stays_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()
    conversation_id = await room.begin("one", "two")
    await room.say(conversation_id, "three")
    assert await room.texts(conversation_id) == ["one", "two", "three"]
    assert len(room.objects._bodies) == 1
    monkeypatch.setattr(kept, "ITEMS_MAX", 3)
    with pytest.raises(GatewayError) as refused:
        await room.say(conversation_id, "four")
    assert (refused.value.status, refused.value.code) == (400, "conversation_too_large")
    assert await room.texts(conversation_id) == ["one", "two", "three"]


async def test_a_write_that_is_repeated_adds_nothing() -> None:
    room = Room()
    conversation_id = await room.begin()
    for _ in range(2):
        await room.conversations.append(MINE, conversation_id, "write", [message("user", "once")])
    assert await room.texts(conversation_id) == ["once"]
    await room.conversations.undo(MINE, conversation_id, "write")
    await room.conversations.undo(MINE, conversation_id, "not yet")
    for late in ("write", "not yet"):
        await room.conversations.append(MINE, conversation_id, late, [message("user", "late")])
    assert await room.texts(conversation_id) == []


async def test_items_keep_their_ids_and_get_one_where_they_have_none() -> None:
    room = Room()
    conversation_id = await room.begin()
    own = {**message("assistant", "mine"), "id": "msg_nxn-68ab"}
    _, contents = await room.conversations.append(
        MINE, conversation_id, "write", [own, own, {**message("user", "x"), "id": "../../y"}], first=4
    )
    assert [entry.item_id for entry in contents.entries] == ["msg_nxn-68ab", "msg_nxn-write-in5", "msg_nxn-write-in6"]
    await room.conversations.drop(MINE, conversation_id, "msg_nxn-write-in5")
    assert await room.texts(conversation_id) == ["mine", "x"]
    with pytest.raises(NotFound):
        await room.conversations.drop(MINE, conversation_id, "msg_nxn-write-in5")


async def test_a_conversation_is_another_account_s_secret() -> None:
    room = Room()
    conversation_id = await room.begin("one")
    others = room.conversations
    for ask in (
        others.read(OTHER, conversation_id),
        others.describe(OTHER, conversation_id, {"title": "mine now"}),
        others.append(OTHER, conversation_id, "write", [message("user", "x")]),
        others.drop(OTHER, conversation_id, "msg_1"),
        others.delete(OTHER, conversation_id),
    ):
        with pytest.raises(NotFound) as refused:
            await ask
        assert refused.value.code == "conversation_not_found"
    assert (await others.page(OTHER, 20, None)).elements == []
    assert await room.texts(conversation_id) == ["one"]


async def test_a_deleted_conversation_leaves_nothing() -> None:
    room = Room()
    conversation_id = await room.begin("one")
    await room.conversations.delete(MINE, conversation_id)
    assert room.objects._bodies == {}
    with pytest.raises(NotFound):
        await room.texts(conversation_id)
    with pytest.raises(NotFound):
        await room.say(conversation_id, "two")


async def test_a_conversation_in_use_lives_on_and_another_one_ends() -> None:
    room = Room()
    used, unused = await room.begin("one"), await room.begin("one")
    room.clock.at_s += kept.KEEP_S - 10
    await room.say(used, "two")
    room.clock.at_s += 20
    assert await room.texts(used) == ["one", "two"]
    with pytest.raises(NotFound):
        await room.texts(unused)


@pytest.mark.parametrize(("store", "writers", "messages"), [("memory", 6, 6), ("dynamodb_local", 3, 3)])
async def test_parallel_writers_lose_nothing_and_keep_their_own_order(
    store: str, writers: int, messages: int, endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    """Writers, and one that reads and describes; every state that is seen is the beginning of the last one."""
    records: ConversationRecords = MemoryConversationRecords()
    if store != "memory":
        aws = api(client, clock, "dynamodb", endpoints.of("dynamodb_local"))
        records = DynamoConversationRecords(aws, new_table(endpoints.of("dynamodb_local"), "account_id", "response_id"))
    room = Room(records)
    conversation_id = await room.begin("start")
    seen: list[list[str]] = []

    async def write(writer: int) -> None:
        for number in range(messages):
            await asyncio.sleep(random.random() / 100)  # an order of writers, no secret
            await room.say(conversation_id, f"{writer}.{number}")

    async def look() -> None:
        for number in range(messages):
            seen.append(await room.texts(conversation_id))
            await room.conversations.describe(MINE, conversation_id, {"title": str(number)})

    await asyncio.gather(*map(write, range(writers)), look())
    final = await room.texts(conversation_id)
    assert sorted(final) == sorted(
        ["start", *(f"{writer}.{number}" for writer in range(writers) for number in range(messages))]
    )
    for writer in range(writers):
        own = [text for text in final if text.startswith(f"{writer}.")]
        assert own == [f"{writer}.{number}" for number in range(messages)]
    for state in seen:
        assert state == final[: len(state)]
    assert len(room.objects._bodies) == 1


async def test_a_death_at_any_write_loses_no_answered_message_and_leaves_no_object_behind() -> None:
    for steps in range(12):
        room = Room()
        conversation_id = await room.begin("one", "two")
        said = True
        try:
            await room.dying(steps).append(MINE, conversation_id, "write", [message("user", "three")])
        except Died:
            said = False
        # The caller repeats what got no answer, or leaves it.
        if steps % 2:
            await room.conversations.append(MINE, conversation_id, "write", [message("user", "three")])
            said = True
        await room.say(conversation_id, "four")
        assert await room.texts(conversation_id) in (
            [["one", "two", "three", "four"]] if said else [["one", "two", "four"], ["one", "two", "three", "four"]]
        )
        assert len(room.objects._bodies) == 1, steps
        await room.conversations.delete(MINE, conversation_id)
        assert room.objects._bodies == {}


async def test_a_death_while_deleting_leaves_a_conversation_that_can_be_deleted() -> None:
    for steps in range(5):
        room = Room()
        conversation_id = await room.begin("one")
        with pytest.raises(Died):
            await room.dying(steps).delete(MINE, conversation_id)
        try:
            assert await room.texts(conversation_id) == ["one"]
        except NotFound:
            assert room.objects._bodies == {}
        try:
            await room.conversations.delete(MINE, conversation_id)
        except NotFound:
            assert steps > 2
        assert room.objects._bodies == {}
        assert (await room.conversations.page(MINE, 20, None)).elements == []


async def test_a_writer_that_comes_too_late_for_its_version_adds_its_item_above() -> None:
    """The name that it creates was made and deleted by others since it looked."""
    room = Room()
    conversation_id = await room.begin("one")

    class Late(MemoryObjects):
        async def create(self, name: str, body: bytes) -> bool:
            if b"late" in body and not held.is_set():
                held.set()
                await go_on.wait()
            return await super().create(name, body)

    held, go_on = asyncio.Event(), asyncio.Event()
    late = Late()
    late._bodies = room.objects._bodies
    writer = Conversations(room.records, late, room.clock)
    writing = asyncio.create_task(writer.append(MINE, conversation_id, "write", [message("user", "late")]))
    await held.wait()
    for text in ("two", "three", "four"):
        await room.say(conversation_id, text)
    go_on.set()
    _, contents = await writing
    assert [text_of(entry.item) for entry in contents.entries] == ["one", "two", "three", "four", "late"]
    assert await room.texts(conversation_id) == ["one", "two", "three", "four", "late"]
    assert len(room.objects._bodies) == 1


def test_contents_are_read_as_they_were_written() -> None:
    made = Contents().with_items("write", [message("tool", "it is sunny"), {"type": "reasoning", "n": 2.5}], 100)
    assert Contents.of(made.document()) == made
