"""Tests of deliverables: results go to webhooks and by mail, once, and their owner is told what became of them."""

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.agents import deliverables
from gateway.agents.deliverables import NO_MAIL, TOO_MANY, Deliverables
from gateway.errors import UpstreamError
from gateway.people.attempts import RESULTS_OF, Attempts
from gateway.providers.auth.standard_webhooks import signed
from gateway.webhooks.posting import PAUSES_S, Posting, TryResult
from tests.agent_runs.harness import TASKS, Place, call, scripted
from tests.fakes.people import MemoryPeople, Outbox
from tests.fakes.webhooks import MemoryWebhookRecords
from tests.webhooks.conftest import Receiver

pytestmark = pytest.mark.anyio
HOOK, MAIL = {"type": "webhook", "target": "https://customer.test/hook"}, {"type": "email", "target": "you@company.com"}
DONE = TryResult(delivered=True)


class Post:
    """Delivers what a place's queue has, by its receiver and its outbox."""

    def __init__(self, home: Place, **outbox: Any) -> None:
        self.home = home
        self.receiver, self.outbox, self.records = Receiver(), Outbox(**outbox), MemoryWebhookRecords()
        writer, journals = home.runs.writer, home.runs.journals
        posting = Posting(self.records, self.receiver, home.clock)
        attempts = Attempts(MemoryPeople(), home.clock)
        self.deliverables = Deliverables(home.jobs, writer, journals, self.outbox, attempts, posting)

    async def deliver(self, number: int = 1) -> list[TryResult]:
        """Makes one try for each message."""
        put = self.home.parts.queue.put
        return [await self.deliverables.deliver(job_id, place, number) for job_id, place in put]


async def done(home: Place, *places: dict[str, str], **members: Any) -> str:
    view = await home.submit("Say it. [[sim: text='First.' model=gpt-4o]]", deliverables=list(places), **members)
    job_id: str = view["id"]
    return job_id


async def told(home: Place, job_id: str) -> list[tuple[Any, Any]]:
    return [(each["delivered"], each["delivery_error"]) for each in (await home.get(job_id))["deliverables"]]


async def test_a_result_goes_to_a_webhook_signed_and_by_mail_with_its_scores(home: Place) -> None:
    job_id, post = await done(home, HOOK, MAIL), Post(home)
    assert await told(home, job_id) == [(None, None)] * 2
    assert await post.deliver() == [DONE, DONE]
    ((url, headers, body),) = post.receiver.received
    secrets = await post.records.secrets("acct_test")
    assert secrets is not None
    expected = signed((secrets.current,), f"msg_{job_id}_0", int(headers["webhook-timestamp"]), body)
    assert (url, headers) == (HOOK["target"], {"content-type": "application/json", **expected})
    sent = orjson.loads(body)
    view = await home.get(job_id)
    assert (sent["type"], sent["data"]["task_id"], sent["data"]["content"]) == ("task.completed", job_id, "First.")
    assert sent["data"]["metadata"] == view["deliverables"][0]["metadata"]
    assert set(sent["data"]["metadata"]) == {"factuality", "relevance", "completeness", "safety"}
    (letter,) = post.outbox.letters
    assert letter.to == "you@company.com"
    assert "First." in letter.text
    assert "factuality" in letter.text
    assert [each["delivered"] for each in view["deliverables"]] == [True, True]


async def test_a_message_that_comes_twice_delivers_once(home: Place) -> None:
    await done(home, HOOK, MAIL)
    post = Post(home)
    await post.deliver()
    assert await post.deliver(2) == [DONE, DONE]
    assert (len(post.receiver.received), len(post.outbox.letters)) == (1, 1)


async def test_a_webhook_that_does_not_answer_is_tried_again_under_one_id_until_its_tries_are_over(home: Place) -> None:
    job_id, post = await done(home, HOOK), Post(home)
    post.receiver.error = UpstreamError("no answer")
    assert await post.deliver() == [TryResult(delivered=False, again_s=PAUSES_S[0])]
    assert await told(home, job_id) == [(None, None)]
    assert await post.deliver(len(PAUSES_S) + 1) == [TryResult(delivered=False)]
    assert {headers["webhook-id"] for _, headers, _ in post.receiver.received} == {f"msg_{job_id}_0"}
    ((delivered, error),) = await told(home, job_id)
    assert delivered is False
    assert error.startswith("The webhook did not take the result")


async def test_a_letter_that_the_service_did_not_take_is_tried_again(home: Place) -> None:
    job_id, post = await done(home, MAIL), Post(home, is_down=True)
    assert await post.deliver() == [TryResult(delivered=False, again_s=PAUSES_S[0])]
    post.outbox.is_down = False
    assert await post.deliver(2) == [DONE]
    assert (len(post.outbox.letters), await told(home, job_id)) == (1, [(True, None)])


async def test_a_letter_that_is_tried_again_counts_once(home: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliverables, "RESULTS_OF", replace(RESULTS_OF, limit=1))
    job_id, post = await done(home, MAIL), Post(home, is_down=True)
    for number in (1, 2, 3):
        await post.deliver(number)
    post.outbox.is_down = False
    assert await post.deliver(4) == [DONE]
    assert await told(home, job_id) == [(True, None)]


async def test_a_letter_whose_answer_is_lost_is_not_sent_again_and_said_to_be_unknown(home: Place) -> None:
    job_id, post = await done(home, MAIL), Post(home, is_silent=True)
    assert await post.deliver() == await post.deliver(2) == [DONE]
    assert len(post.outbox.letters) == 1
    ((delivered, error),) = await told(home, job_id)
    assert delivered is None
    assert "not known" in error


async def test_without_a_mail_service_the_owner_is_told_so(home: Place) -> None:
    job_id, post = await done(home, MAIL), Post(home, is_configured=False)
    assert await post.deliver() == [DONE]
    assert await told(home, job_id) == [(False, NO_MAIL)]


async def test_an_account_s_letters_of_a_day_are_bounded_and_those_beyond_are_told_of(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliverables, "RESULTS_OF", replace(RESULTS_OF, limit=3))
    first, post = await done(home, *[MAIL] * 2), Post(home)
    second = await done(home, HOOK, *[{**MAIL, "target": f"{name}@other.com"} for name in "abc"])
    assert await post.deliver() == [DONE] * 6
    beyond = (False, TOO_MANY.format(3))
    assert await told(home, first) == [(True, None)] * 2
    assert await told(home, second) == [(True, None), (True, None), beyond, beyond]
    assert [letter.to for letter in post.outbox.letters] == ["you@company.com"] * 2 + ["a@other.com"]
    home.clock.ahead_s += RESULTS_OF.window_s
    third = await done(home, MAIL)
    assert await post.deliverables.deliver(third, 0, 1) == DONE
    assert await told(home, third) == [(True, None)]


async def test_a_message_that_comes_before_the_end_waits_for_it(home: Place) -> None:
    home.executions.held = True
    body = {"goal": "Hello!", "model": "gpt-4o", "wait": False, "deliverables": [HOOK]}
    job_id = (await home.call("POST", TASKS, body)).json["id"]
    post = Post(home)
    assert await post.deliverables.deliver(job_id, 0, 1) == TryResult(delivered=False, again_s=PAUSES_S[0])
    home.executions.release()
    await home.executions.finished()
    assert await post.deliverables.deliver(job_id, 0, 2) == DONE
    assert len(post.receiver.received) == 1


async def test_a_cancelled_task_delivers_nothing(home: Place) -> None:
    body = {
        "goal": f"[[sim: delay_ms=300]] {scripted(call('memory_read'))}",
        "model": "gpt-4o",
        "wait": False,
        "deliverables": [HOOK],
    }
    job_id = (await home.call("POST", TASKS, body)).json["id"]
    await home.call("POST", f"{TASKS}/{job_id}/cancel")
    await home.executions.finished()
    post = Post(home)
    assert await post.deliverables.deliver(job_id, 0, 1) == DONE
    assert (post.receiver.received, home.parts.queue.put) == ([], [])
    assert [delivered for delivered, _ in await told(home, job_id)] == [False]


async def test_the_second_level_confirms_deliveries(home: Place) -> None:
    job_id = await done(home, HOOK, MAIL, autonomy_level="L2")
    view = await home.get(job_id)
    assert (view["status"], home.parts.queue.put) == ("awaiting_confirmation", [])
    assert [(each["tool_name"], each["tool_input"]) for each in view["awaiting"]] == [
        ("webhook", {"target": HOOK["target"]}),
        ("email", {"target": MAIL["target"]}),
    ]
    await home.call("POST", f"{TASKS}/{job_id}/confirm")
    await home.executions.finished()
    assert (await home.get(job_id))["status"] == "succeeded"
    assert home.parts.queue.put == [(job_id, 0), (job_id, 1)]


@pytest.mark.parametrize(
    "place",
    [
        {"type": "email", "target": "no address"},
        {"type": "email", "target": "a@b.com\nBcc: c@d.com"},
        {"type": "webhook", "target": "http://customer.test/hook"},
        {"type": "webhook", "target": "https://169.254.169.254/"},
    ],
)
async def test_an_address_that_nothing_may_go_to_is_refused_before_a_task_begins(
    home: Place, place: dict[str, str]
) -> None:
    answer = await home.call("POST", TASKS, {"goal": "Hello!", "model": "gpt-4o", "deliverables": [MAIL, place]})
    assert (answer.status, answer.error["param"]) == (400, "deliverables[1].target")
