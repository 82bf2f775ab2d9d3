"""Tests of the process around the app: start, snapshot, concurrency, stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.runtime import server
from gateway.runtime.api import RuntimeApi
from gateway.transport import Client
from tests import virtual_time
from tests.runtime.lambda_fake import TASK_ROOT, VERSION, LambdaFake, Post, function, http_event, listening


def fails_to_start(handler: str, **environment: str) -> tuple[Post, int | None, list[dict[str, Any]]]:
    async def run() -> tuple[Post, int | None, list[dict[str, Any]]]:
        async with function(handler, **environment) as running:
            running.api.restore.set()
            code, log = await running.exit()
            (post,) = running.api.posts
            return post, code, log

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        ("broken_import.app", "ImportError"),
        ("missing_module.app", "ModuleNotFoundError"),
        ("scripted_apps.missing", "AttributeError"),
        ("nonsense", "ValueError"),
        ("scripted_apps.cannot_start", "LifespanFailed"),
    ],
)
def test_a_function_that_cannot_start_tells_why_and_exits(handler: str, kind: str) -> None:
    post, code, log = fails_to_start(handler)
    assert (post.route, post.fault["errorType"], code) == (f"POST {VERSION}/init/error", kind, 1)
    assert post.fault["errorMessage"] in log[0]["message"]


def test_a_handler_may_name_its_module_with_slashes() -> None:
    async def run() -> Post:
        async with function("task_root/scripted_apps.echo", PYTHONPATH=str(__file__.rpartition("/")[0])) as running:
            return await running.api.call(http_event())

    assert asyncio.run(run()).prelude["statusCode"] == 200


def test_an_app_without_lifespan_is_served() -> None:
    async def run() -> Post:
        async with function("scripted_apps.echo") as running:
            return await running.api.call(http_event())

    assert asyncio.run(run()).prelude["statusCode"] == 200


def test_what_lifespan_puts_into_state_is_there_for_requests_and_shutdown_is_told() -> None:
    async def run() -> tuple[bytes, int | None, list[str]]:
        async with function("scripted_apps.with_lifespan") as running:
            greeting = (await running.api.call(http_event())).content
            code, log = await running.stop()
            return greeting, code, [line["error_type"] for line in log if line["level"] == "ERROR"]

    assert asyncio.run(run()) == (b"hello", 0, ["InterruptedError"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_waiting_process_ends_when_told_to(number: signal.Signals) -> None:
    async def run() -> tuple[int | None, list[dict[str, Any]]]:
        async with function("scripted_apps.echo") as running:
            await running.api.until(lambda: running.api.polls == 1)
            running.process.send_signal(number)
            code, log = await running.exit()
            return code, [line for line in log if line["level"] == "ERROR"]

    assert asyncio.run(run()) == (0, [])


async def stopped(handler: str, ready: Callable[[LambdaFake], object]) -> tuple[int, float]:
    """The exit code of a runtime that is told to stop once it is ready, and the loop's seconds until then."""
    async with listening() as api, Client() as client:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        api.invoke(http_event())
        settings = server.Settings(api.address, handler)
        process = asyncio.create_task(server._Process(RuntimeApi(client, api.address), settings).run(stop))
        await api.until(lambda: ready(api))
        told_s = loop.time()
        stop.set()
        return await process, loop.time() - told_s


def test_a_waiting_process_does_not_use_up_its_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TASK_ROOT)
    assert virtual_time.run(stopped("scripted_apps.echo", lambda api: api.polls == 2)) == (0, 0.0)


def test_an_endless_answer_is_cut_before_lambdas_two_seconds_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TASK_ROOT)
    code, took_s = virtual_time.run(
        stopped("scripted_apps.never_answers", lambda api: api.posts and api.posts[0].content)
    )
    assert code == 0
    assert 0 < took_s < 2


def test_a_process_told_to_stop_finishes_the_answer_it_is_giving() -> None:
    async def run() -> tuple[bytes, int | None, int]:
        async with function("scripted_apps.stepwise") as running:
            api = running.api
            request_id = api.invoke(http_event())
            running.go_on()
            await running.until_content(request_id, b"one")
            running.process.terminate()
            for _ in range(3):
                running.go_on()
            code, _ = await running.exit()
            return (await api.answer(request_id)).content, code, api.polls

    assert asyncio.run(run()) == (b"onetwothree", 0, 1)


def test_a_process_told_to_stop_leaves_an_endless_answer_visibly_cut() -> None:
    async def run() -> tuple[int | None, bool]:
        async with function("scripted_apps.never_answers") as running:
            request_id = running.api.invoke(http_event())
            await running.until_content(request_id, b"half")
            code, _ = await running.stop()
            post = running.api.posted(request_id)
            assert post is not None
            return code, post.complete

    assert asyncio.run(run()) == (0, False)


def test_a_process_that_loses_the_runtime_api_ends_with_an_error() -> None:
    async def run() -> tuple[int | None, list[str]]:
        async with function("scripted_apps.echo", AWS_LAMBDA_RUNTIME_API="127.0.0.1:9") as running:
            code, log = await running.exit()
            return code, [line["error_type"] for line in log if line["level"] == "ERROR"]

    assert asyncio.run(run()) == (1, ["ConnectFailed"])


def test_one_invocation_at_a_time_is_the_rule() -> None:
    async def run() -> int:
        async with function("scripted_apps.never_answers") as running:
            request_id = running.api.invoke(http_event())
            running.api.invoke(http_event())
            await running.until_content(request_id, b"half")
            await asyncio.sleep(0.1)
            return running.api.polls

    assert asyncio.run(run()) == 1


def test_several_invocations_are_served_in_one_process_when_lambda_allows_it() -> None:
    async def run() -> list[bytes]:
        environment = {"AWS_LAMBDA_MAX_CONCURRENCY": "4"}
        async with function("scripted_apps.meets_three_others", **environment) as running:
            calls = [running.api.call(http_event()) for _ in range(4)]
            return [post.content for post in await asyncio.gather(*calls)]

    assert asyncio.run(run()) == [b"request-1", b"request-2", b"request-3", b"request-4"]


def test_a_poller_that_is_refused_asks_again_and_ends_no_others_answer() -> None:
    async def run() -> tuple[bytes, bytes, int | None, list[str]]:
        async with function("scripted_apps.stepwise", AWS_LAMBDA_MAX_CONCURRENCY="2") as running:
            api = running.api
            api.refused = (2, 3)
            request_id = api.invoke(http_event())
            await api.until(lambda: api.polls == 4)
            for _ in range(4):
                running.go_on()
            first = (await api.answer(request_id)).content
            for _ in range(4):
                running.go_on()
            second = (await api.call(http_event())).content
            code, log = await running.stop()
            return first, second, code, [line["level"] for line in log if line["level"] != "INFO"]

    assert asyncio.run(run()) == (b"onetwothree", b"onetwothree", 0, ["WARNING"])


async def refused(handler: str, polls: range, until: Callable[[LambdaFake], object] | None) -> tuple[int, int]:
    """The exit code of two pollers of which these polls are refused, told to stop when a condition holds; the polls."""
    async with listening() as api, Client() as client:
        stop = asyncio.Event()
        api.refused = polls
        api.invoke(http_event())
        settings = server.Settings(api.address, handler, concurrency=2)
        process = asyncio.create_task(server._Process(RuntimeApi(client, api.address), settings).run(stop))
        if until is not None:
            await api.until(lambda: until(api), limit_s=3600)
            assert not process.done()
            stop.set()
        return await process, api.polls


def test_a_process_goes_on_while_one_of_its_pollers_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TASK_ROOT)
    ended = refused("scripted_apps.never_answers", range(2, 1_000), lambda api: api.polls == 20)
    assert virtual_time.run(ended) == (0, 20)


def test_a_process_ends_when_all_of_its_pollers_have_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TASK_ROOT)
    code, polls = virtual_time.run(refused("scripted_apps.echo", range(1, 1_000), None))
    assert code == 1
    assert 2 * 5 <= polls < 2 * 10


SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


def test_a_snapshot_is_waited_for_between_its_hooks_and_random_numbers_and_connections_are_new_after_it() -> None:
    async def run() -> tuple[int, tuple[int, int], dict[str, Any]]:
        async with function("scripted_apps.with_snapshot", **SNAP_START) as running:
            api = running.api
            await api.until(lambda: api.restores == 1)
            before = (api.polls, api.connections)
            api.restore.set()
            await api.until(lambda: api.polls == 1)
            connections = (before[1], api.connections)
            return before[0], connections, orjson.loads((await api.call(http_event())).content)

    polls_before, connections, seen = asyncio.run(run())
    assert (polls_before, seen["story"]) == (0, ["second before", "first before", "after"])
    assert connections == (1, 2)
    assert seen["random"] != 0.13436424411240122  # the first number after random.seed(1)


@pytest.mark.parametrize(("side", "route"), [("before", "init/error"), ("after", "restore/error")])
def test_a_hook_that_fails_is_told_and_ends_the_process(side: str, route: str) -> None:
    post, code, _ = fails_to_start("broken_hooks.app", FAILING_SIDE=side, **SNAP_START)
    expected = (f"POST {VERSION}/{route}", "InterruptedError", 1)
    assert (post.route, post.fault["errorType"], code) == expected


def test_a_restore_that_is_refused_is_told_as_such_and_ends_the_process() -> None:
    async def run() -> tuple[Post, int | None]:
        async with function("scripted_apps.with_snapshot", **SNAP_START) as running:
            running.api.restore_status = 403
            running.api.restore.set()
            code, _ = await running.exit()
            (post,) = running.api.posts
            return post, code

    post, code = asyncio.run(run())
    assert (post.route, post.fault["errorType"], code) == (f"POST {VERSION}/restore/error", "RuntimeApiError", 1)


def test_a_process_that_waits_for_its_restore_ends_when_told_to() -> None:
    async def run() -> tuple[int | None, int, list[Post]]:
        async with function("scripted_apps.with_snapshot", **SNAP_START) as running:
            await running.api.until(lambda: running.api.restores == 1)
            code, _ = await running.stop()
            return code, running.api.polls, running.api.posts

    assert asyncio.run(run()) == (0, 0, [])


def test_without_snap_start_no_restore_is_asked_for() -> None:
    async def run() -> int:
        async with function("scripted_apps.with_snapshot") as running:
            await running.api.until(lambda: running.api.polls == 1)
            return running.api.restores

    assert asyncio.run(run()) == 0


def test_the_import_path_to_the_first_poll_stays_small() -> None:
    async def run() -> str:
        async with function("scripted_apps.modules") as running:
            return (await running.api.call(http_event())).content.decode()

    loaded = set(asyncio.run(run()).split())
    heavy = {
        "aiohttp",
        "boto3",
        "http.client",
        "httpx",
        "urllib.parse",
    }
    assert loaded & heavy == set()
