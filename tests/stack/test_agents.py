"""Tests of agents and tasks over the whole stack, by plain HTTP as the reference writes it."""

import secrets
import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from gateway.ledger.money import parse_usd
from tests.agent_runs.harness import call, say, scripted
from tests.agent_runs.scenarios import (
    GOOD,
    aggregate,
    blamed,
    part,
    planned,
    planned_again,
    scored,
    told,
    uses,
)
from tests.fakes.mcp import official_server
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack
from tests.stack.receiver import Receiver, logged

TURNS = (
    {"calls": [call("list_models", kind="embedding"), call("memory_write", level="tenant", key="seen", value="yes")]},
    call("memory_read", level="tenant", key="seen"),
    say("bge-m3 costs 0.07 USD."),
)


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S) as made:
        yield made


def polled(client: httpx.Client, job_id: str) -> dict[str, Any]:
    """Polls the run until it has ended."""
    give_up_s = time.monotonic() + HANGS_AFTER_S
    while True:
        view: dict[str, Any] = client.get(f"/tasks/{job_id}").raise_for_status().json()
        if view["status"] in {"succeeded", "failed", "canceled"}:
            return view
        assert time.monotonic() < give_up_s, view
        time.sleep(0.2)


def test_a_run_uses_tools_and_costs_what_its_calls_cost(client: httpx.Client, stack: Stack) -> None:
    asked = {"task": f"Find the cheapest. {scripted(*TURNS)}", "model": "gpt-4o", "max_steps": 10}
    once = {"Idempotency-Key": secrets.token_hex(8)}
    view = client.post("/agents/run", json=asked, headers=once).raise_for_status().json()
    assert client.post("/agents/run", json=asked, headers=once).json() == view
    assert (view["status"], view["result"]) == ("succeeded", "bge-m3 costs 0.07 USD.")
    outputs = {step["tool_name"]: orjson.loads(step["tool_output"]) for step in view["steps"] if step["tool_output"]}
    assert any("bge-m3" in row["id"] for row in outputs["list_models"]["models"])
    assert outputs["memory_read"]["value"] == "yes"
    # Memory of the account is listed and deleted by its owner; this run kept none of its own.
    (kept,) = [each for each in client.get("/memory").raise_for_status().json()["data"] if each["key"] == "seen"]
    assert (kept["level"], kept["value"]) == ("tenant", "yes")
    of_run = {"level": "task", "task_id": view["id"]}
    assert client.get("/memory", params=of_run).raise_for_status().json()["data"] == []
    assert client.delete("/memory/seen").raise_for_status().json()["deleted"]
    assert client.delete("/memory/seen").status_code == 404
    assert stack.ends(3, request_id=view["id"]) == ["charge"] * 3
    assert parse_usd(view["total_cost_usd"]) > 0


def test_documents_are_searched_pictures_made_and_programs_run(client: httpx.Client) -> None:
    notes = [f"Note {number}." for number in range(25)] + ["Reset the VPN in the portal."]
    turns = (
        call("rag_search", query="VPN"),
        call("generate_image", prompt="a portal"),
        call("python_exec", code="print(6 * 7)"),
        call("python_exec", code="import socket"),
    )
    script = scripted(*turns, say("In the portal."))
    asked = {"task": f"How? {script}", "model": "gpt-4o", "rag_documents": notes}
    view = client.post("/agents/run", json=asked).raise_for_status().json()
    results = [step for step in view["steps"] if step["type"] == "tool_result"]
    assert [(step["tool_name"], step["is_error"]) for step in results] == [
        ("rag_search", False),
        ("generate_image", False),
        ("python_exec", False),
        ("python_exec", True),
    ], results
    assert orjson.loads(results[2]["tool_output"]) == {"output": "42\n"}


def test_a_run_calls_tools_of_a_server_that_its_account_has_registered(client: httpx.Client, mcp_port: int) -> None:
    calls = [call("mcp__sums__add", a=2, b=3), call("mcp__sums__whose")]
    asked = {"task": f"Add. {scripted({'calls': calls}, say('5.'))}", "model": "gpt-4o", "tools": ["mcp:sums:*"]}
    with official_server("--json", f"--port={mcp_port}") as url:
        given = {"name": "sums", "url": url, "token": "token-12345678"}
        server = client.post("/mcp/servers", json=given).raise_for_status().json()
        view = client.post("/agents/run", json=asked).raise_for_status().json()
    results = {step["tool_name"]: step["tool_output"] for step in view["steps"] if step["type"] == "tool_result"}
    assert {name: orjson.loads(output) for name, output in results.items()} == {
        "mcp:sums:add": {"result": "5"},
        "mcp:sums:whose": {"result": "Bearer token-12345678"},
    }
    client.delete(f"/mcp/servers/{server['id']}").raise_for_status()
    later = client.post("/agents/run", json=asked).raise_for_status().json()
    assert list(later["tools_not_offered"]) == ["mcp:sums:*"]


def test_a_stream_is_followed_and_gone_on_with(client: httpx.Client) -> None:
    asked = {"task": f"Find it. {scripted(*TURNS)}", "model": "gpt-4o"}
    whole = client.post("/agents/run/stream", json=asked).raise_for_status().text
    events = [orjson.loads(line[6:]) for line in whole.splitlines() if line.startswith("data: ")]
    assert [event["type"] for event in events] == ["step"] * 7 + ["done"]
    ids = [line[4:] for line in whole.splitlines() if line.startswith("id: ")]
    rest = client.get("/agents/run/stream", headers={"Last-Event-ID": ids[3]}).raise_for_status().text
    assert [orjson.loads(line[6:]) for line in rest.splitlines() if line.startswith("data: ")] == events[3:]


def test_a_planned_task_is_repaired_and_its_result_is_delivered(client: httpx.Client, receiver: Receiver) -> None:
    # A memory without a value is refused.
    first = (uses("look", "memory_write", key="a"), aggregate("answer", "look", goal="Answer it."))
    second = (uses("look", "list_models", kind="embedding"), aggregate("answer", "look", goal="Answer it."))
    words = (scored(GOOD), planned(*first), planned_again(*second), blamed("look"), told(part("Answer it."), "bge-m3."))
    asked = {
        "goal": f"Find the cheapest. {' '.join(words)}",
        "model": "gpt-4o",
        "enable_planner": True,
        "auto_repair_max_rounds": 2,
        "deliverables": [{"type": "webhook", "target": receiver.url}, {"type": "email", "target": "you@company.com"}],
    }
    view = client.post("/tasks", json=asked).raise_for_status().json()
    assert (view["status"], view["result"], view["repair_rounds"]) == ("succeeded", "bge-m3.", 1), view
    assert (view["succeeded_node_ids"], view["partial"]) == (["look", "answer"], False)
    ((headers, body),) = receiver.wait(1)
    assert headers["webhook-id"] == f"msg_{view['id']}_0"
    assert orjson.loads(body)["data"]["content"] == "bge-m3."
    assert [delivery["delivered"] for delivery in logged(client, 1, view["id"])] == [True]


def test_a_task_is_begun_listed_confirmed_and_cancelled(client: httpx.Client) -> None:
    goal = {"goal": "Say hello.", "model": "gpt-4o", "wait": False, "deadline_sec": 60}
    once = {"Idempotency-Key": secrets.token_hex(8)}
    begun, again = (client.post("/tasks", json=goal, headers=once) for _ in range(2))
    assert begun.status_code == again.status_code == 202
    job_id = begun.json()["id"]
    assert again.json()["id"] == job_id
    view = polled(client, job_id)
    assert (view["status"], view["deliverables"][0]["content"]) == ("succeeded", view["result"])
    assert job_id in {row["id"] for row in client.get("/tasks").raise_for_status().json()["data"]}
    waiting = client.post("/tasks", json={**goal, "wait": True, "autonomy_level": "L1"}).raise_for_status().json()
    assert waiting["status"] == "awaiting_confirmation"
    client.post(f"/tasks/{waiting['id']}/confirm").raise_for_status()
    assert polled(client, waiting["id"])["status"] == "succeeded"
    other = client.post("/tasks", json={**goal, "wait": True, "autonomy_level": "L1"}).raise_for_status().json()
    assert client.post(f"/tasks/{other['id']}/cancel").raise_for_status().json()["status"] == "canceled"
    assert client.post(f"/tasks/{other['id']}/cancel").status_code == 409
