"""Tests of background responses through the app: created, read, cancelled, charged, and refused."""

import asyncio
from typing import Any

import orjson
import pytest
from msgspec.structs import asdict, replace

from gateway.auth.principal import key_hash
from gateway.canonical.jobs import JobStatus, Phase
from gateway.canonical.money import EntryKind
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import document_of
from tests.app.harness import ACCOUNT, DOLLAR, RECORD, Answer
from tests.background.harness import BEGUN, SAID, Place, at_other, by_key

pytestmark = pytest.mark.anyio

MODELS = ["gpt-4o", "claude-haiku-4-5", "gemini-2.5-flash", "deepseek-chat"]
STALLED = f"{SAID} [[sim: chunks=8 stall_after=4]]"
# Members that differ in every response.
OWN = {"id", "created_at", "completed_at", "background", "nexevo"}


def told(response: dict[str, Any]) -> dict[str, Any]:
    """Removes the members of a response that differ in every response."""
    named = {name: value for name, value in response.items() if name not in OWN}
    named["output"] = [{name: value for name, value in item.items() if name != "id"} for item in response["output"]]
    return named


async def finished(home: Place, *args: Any, **members: Any) -> dict[str, Any]:
    """Returns a background response after its end."""
    answer = await home.create(*args, **members)
    assert answer.status == 200, answer.body
    await home.executions.finished()
    return await home.get(answer.json["id"])


async def test_it_is_queued_when_it_is_asked_for(home: Place) -> None:
    home.executions.held = True
    answer = await home.create()
    assert (answer.status, answer.json["status"], answer.json["output"]) == (200, "queued", [])
    assert (answer.json["background"], answer.json["model"], answer.json["usage"]) == (True, "gpt-4o", None)
    assert answer.json["id"] == answer.headers["x-nexevo-generation-id"].replace("gen-", "resp_")


async def test_it_is_planned_by_the_price_list_that_it_was_admitted_by(home: Place) -> None:
    await finished(home)
    await finished(home, model="claude-haiku-4-5")
    assert home.planned_by == [document_of(CHAT_MODELS)["price_version"]] * 2


async def test_it_stands_as_it_was_told_until_it_is_begun(home: Place) -> None:
    home.executions.held = True
    answer = await home.create()
    assert await home.get(answer.json["id"]) == answer.json | {"store": True}


async def test_it_is_in_progress_while_it_runs(home: Place) -> None:
    answer = await home.create(STALLED)
    await home.objects.arrived(BEGUN)
    assert (await home.get(answer.json["id"]))["status"] == "in_progress"


@pytest.mark.parametrize("model", MODELS)
async def test_it_comes_out_as_it_would_have_at_once(home: Place, model: str) -> None:
    response = await finished(home, model=model)
    foreground = (await home.create(model=model, background=False)).json
    assert told(response) == told(await home.get(foreground["id"]))
    assert (response["status"], response["background"], foreground["background"]) == ("completed", True, False)
    assert response["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("model", MODELS)
async def test_it_costs_what_it_would_have_at_once_and_is_paid_once(home: Place, model: str) -> None:
    response = await finished(home, model=model)
    foreground = (await home.create(model=model, background=False)).json
    costs = [one["nexevo"]["cost_usd"] for one in (response, foreground)]
    (first, second) = await home.ends()
    assert costs[0] == costs[1] != "0"
    assert first == second == (EntryKind.CHARGE, first[1])
    assert await home.held() == 0


async def test_its_id_and_time_stay_from_first_to_last(home: Place) -> None:
    first = (await home.create()).json
    await home.executions.finished()
    last = await home.get(first["id"])
    assert (last["id"], last["created_at"]) == (first["id"], first["created_at"])


async def test_an_incomplete_response_says_so(home: Place) -> None:
    response = await finished(home, f"{SAID} [[sim: tokens=100]]", max_output_tokens=20)
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})


async def test_its_input_can_be_listed_at_any_time(home: Place) -> None:
    home.executions.held = True
    answer = await home.create()
    before = (await home.call("GET", f"/{answer.json['id']}/input_items")).json
    home.executions.release()
    await home.executions.finished()
    after = (await home.call("GET", f"/{answer.json['id']}/input_items")).json
    assert before == after
    assert before["data"][0]["content"][0]["text"] == SAID


@pytest.mark.parametrize(
    ("query", "param"), [("/input_items?limit={}", "limit"), ("?stream=true&starting_after={}", "starting_after")]
)
@pytest.mark.parametrize("number", ["9" * 5000, "9" * 19, "%D9%A3", "-1", "1.5", "x"])
async def test_a_number_that_is_none_or_too_long_is_a_400(home: Place, query: str, param: str, number: str) -> None:
    home.executions.held = True
    response_id = (await home.create()).json["id"]
    answer = await home.call("GET", f"/{response_id}{query.format(number)}")
    assert (answer.status, answer.error["param"]) == (400, param)


async def test_another_goes_on_from_it(home: Place) -> None:
    first = await finished(home)
    second = await finished(home, "And Persuasion?", previous_response_id=first["id"])
    assert second["previous_response_id"] == first["id"]
    listed = (await home.call("GET", f"/{second['id']}/input_items?order=asc")).json["data"]
    assert [item["role"] for item in listed] == ["user", "assistant", "user"]


async def test_nothing_goes_on_from_one_that_has_not_ended(home: Place) -> None:
    home.executions.held = True
    first = (await home.create()).json
    refused = await home.create("And then?", previous_response_id=first["id"])
    assert (refused.status, refused.error["param"]) == (400, "previous_response_id")


async def test_it_is_deleted_with_all_that_was_kept_of_it(home: Place) -> None:
    response = await finished(home)
    assert (await home.call("DELETE", f"/{response['id']}")).json["deleted"] is True
    assert (await home.call("GET", f"/{response['id']}")).status == 404
    assert (await home.stream(response["id"])).status == 404
    assert home.objects.names == []


async def test_a_deleted_one_is_not_found_by_a_slow_store_either(home: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    response = await finished(home)
    await home.call("DELETE", f"/{response['id']}")
    get = home.objects.get

    async def slowly(name: str) -> bytes | None:
        await asyncio.sleep(0.01)
        return await get(name)

    monkeypatch.setattr(home.objects, "get", slowly)
    # Any wait is long enough to commit the status of a stream.
    home.services.commit_s = 0.0
    assert (await home.stream(response["id"])).status == 404


async def test_one_that_runs_is_not_deleted(home: Place) -> None:
    home.executions.held = True
    answer = await home.create()
    refused = await home.call("DELETE", f"/{answer.json['id']}")
    assert (refused.status, refused.error["code"]) == (400, "response_not_ended")


async def test_cancelled_before_it_is_begun_it_costs_nothing(home: Place) -> None:
    home.executions.held = True
    asked = (await home.create()).json
    canceled = await home.call("POST", f"/{asked['id']}/cancel")
    assert (canceled.status, canceled.json) == (200, asked | {"status": "cancelled", "store": True})
    assert (await home.get(asked["id"])) == canceled.json
    home.executions.release()
    await home.executions.finished()
    assert await home.get(asked["id"]) == canceled.json
    assert (await home.ends(), await home.held()) == ([(EntryKind.RELEASE, 0)], 0)


async def test_cancelled_while_it_runs_it_costs_what_it_had_said(home: Place) -> None:
    asked = (await home.create(STALLED)).json
    await home.objects.arrived(BEGUN)
    canceled = await home.call("POST", f"/{asked['id']}/cancel")
    assert (canceled.status, canceled.json["status"]) == (200, "cancelled")
    await home.executions.finished()
    response = await home.get(asked["id"])
    ((kind, paid),) = await home.ends()
    assert (response["status"], kind, await home.held()) == ("cancelled", EntryKind.CHARGE, 0)
    assert float(response["nexevo"]["cost_usd"]) * DOLLAR == pytest.approx(paid)
    assert paid > 0


async def test_cancelled_twice_it_is_cancelled(home: Place) -> None:
    asked = (await home.create(STALLED)).json
    await home.objects.arrived(BEGUN)
    await home.call("POST", f"/{asked['id']}/cancel")
    await home.executions.finished()
    assert (await home.call("POST", f"/{asked['id']}/cancel")).json == await home.get(asked["id"])


async def test_a_cancel_after_the_end_answers_the_response_as_it_is(home: Place) -> None:
    response = await finished(home)
    canceled = await home.call("POST", f"/{response['id']}/cancel")
    assert (canceled.status, canceled.json) == (200, response)
    assert (await home.get(response["id"])) == response


async def test_a_response_that_did_not_run_in_the_background_cannot_be_cancelled(home: Place) -> None:
    response = (await home.create(background=False)).json
    refused = await home.call("POST", f"/{response['id']}/cancel")
    assert (refused.status, refused.error["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "?stream=true"), ("POST", "/cancel"), ("DELETE", ""), ("GET", "/input_items")],
)
async def test_an_unknown_response_is_not_found_and_neither_is_another_accounts(
    home: Place, method: str, path: str
) -> None:
    response = await finished(home)
    for answer in (
        await home.call(method, f"/resp_nxn-none{path}"),
        await home.call(method, f"/resp_nxn-{'x' * 3_000}{path}"),
        await home.call(method, f"/{response['id']}{path}", headers=at_other()),
    ):
        assert (answer.status, answer.error["code"]) == (404, "response_not_found")
    assert await home.get(response["id"]) == response


async def test_another_account_cannot_look_at_or_cancel_one_that_runs(home: Place) -> None:
    home.executions.held = True
    asked = (await home.create()).json
    for method, path in (("GET", ""), ("GET", "?stream=true"), ("POST", "/cancel"), ("DELETE", "")):
        assert (await home.call(method, f"/{asked['id']}{path}", headers=at_other())).status == 404
    assert (await home.get(asked["id"]))["status"] == "queued"


def left_nothing(home: Place) -> bool:
    return home.objects.names == [] and home.executions.tasks == {}


async def test_it_cannot_be_asked_for_without_being_stored(home: Place) -> None:
    refused = await home.create(store=False)
    assert (refused.status, refused.error["param"]) == (400, "store")
    assert (left_nothing(home), await home.ends(), await home.held()) == (True, [], 0)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"background": "yes"}, "background"),
        ({"store": 1}, "store"),
        ({"stream": "yes"}, "stream"),
        ({"nexevo": 5}, "nexevo"),
        ({"temperature": 3}, "temperature"),
        ({"model": 5}, "model"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_said_at_once(home: Place, members: dict[str, Any], param: str) -> None:
    body = {"model": "gpt-4o", "input": SAID, "background": True, **members}
    refused = await home.call("POST", "", body)
    assert (refused.status, refused.error["param"]) == (400, param)
    assert (left_nothing(home), await home.held()) == (True, 0)


async def test_null_is_as_good_as_absent(home: Place) -> None:
    answer = await home.create(store=None, nexevo=None, stream=None)
    assert (answer.status, answer.json["status"]) == (200, "queued")


async def test_an_unknown_model_is_refused_at_once(home: Place) -> None:
    refused = await home.create(model="no-such-model")
    assert (refused.status, left_nothing(home)) == (404, True)


async def test_a_balance_that_does_not_carry_it_is_refused_at_once(home: Place) -> None:
    key = "sk-xc-poor"
    home.keys.records[key_hash(key)] = replace(RECORD, key_id="key_poor", account_id="acct_poor")
    await home.money.open_account("acct_poor", rpm_limit=100)
    refused = await home.create(headers={"authorization": f"Bearer {key}"})
    assert (refused.status, refused.error["type"], left_nothing(home)) == (402, "insufficient_balance", True)


async def test_a_full_window_is_refused_at_once(home: Place) -> None:
    await home.money.set_account(ACCOUNT, rpm_limit=1)
    first, second = await home.create(), await home.create()
    assert (first.status, second.status, second.error["type"]) == (200, 429, "rate_limit_error")
    assert len(home.executions.tasks) == 1


async def test_one_key_asks_for_one_response(home: Place) -> None:
    first = await home.create(headers=by_key("k1"))
    second = await home.create(headers=by_key("k1"))
    await home.executions.finished()
    assert first.json == second.json
    assert second.headers["idempotent-replayed"] == "true"
    assert len(home.executions.tasks) == 1
    assert [kind for kind, _ in await home.ends()] == [EntryKind.CHARGE]


async def test_a_keyed_stream_is_given_again_whole(home: Place) -> None:
    first = await home.create(stream=True, headers=by_key("k1"))
    second = await home.create(stream=True, headers=by_key("k1"))
    assert first.body.replace(b": NX\n\n", b"") == second.body
    assert len(home.executions.tasks) == 1


@pytest.mark.parametrize("away", ["bucket", "executions"])
async def test_what_cannot_be_begun_is_taken_back(home: Place, away: str) -> None:
    home.executions.away = away == "executions"
    home.objects.away = {"responses/"} if away == "bucket" else set()
    refused: Answer = await home.create()
    assert (refused.status, refused.error["type"]) == (503, "server_error")
    assert (await home.ends(), await home.held()) == ([(EntryKind.RELEASE, 0)], 0)
    assert [job.job_id async for job in home.jobs.due(home.clock.now_s() + 10**6)] == []


async def test_what_was_taken_back_does_nothing_should_it_run_all_the_same(home: Place) -> None:
    home.executions.held = True
    asked = (await home.create()).json
    await home.spoil(asked["id"], status=JobStatus.CANCELED, verdict=JobStatus.CANCELED, phase=Phase.ENDED)
    home.executions.release()
    await home.executions.finished()
    assert await home.ends() == []


async def test_a_provider_that_fails_costs_nothing_and_says_why(home: Place) -> None:
    response = await finished(home, "[[sim: status=400 code=invalid_prompt]]")
    assert (response["status"], response["output"]) == ("failed", [])
    assert response["error"]["code"] == "invalid_prompt"
    assert (await home.ends(), await home.held()) == ([(EntryKind.RELEASE, 0)], 0)
    job = await home.job(response["id"])
    assert (job.status, job.phase, job.error and job.error.code) == (JobStatus.FAILED, Phase.ENDED, "invalid_prompt")


async def test_a_provider_that_breaks_off_is_paid_for_what_it_said(home: Place) -> None:
    response = await finished(home, f"{SAID} [[sim: chunks=8 error_after=4]]")
    ((kind, paid),) = await home.ends()
    assert (response["status"], response["error"]["code"], kind) == ("failed", "server_error", EntryKind.CHARGE)
    assert paid > 0


async def test_the_job_keeps_names_only(home: Place) -> None:
    response = await finished(home)
    job = orjson.dumps(await home.job(response["id"]), default=asdict)
    assert SAID.encode() not in job
    assert b"sk-xc" not in job
