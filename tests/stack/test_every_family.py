"""Every family that answers HTTP, on the whole stack, with what its role is for: repeated keys, lists, books."""

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack
from tests.template.families import naming
from tests.template.translated import ROOT

SAY = [{"role": "user", "content": "Say one word."}]
CREATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"model": "gpt-4o", "messages": SAY}),
    "messages": ("/v1/messages", {"model": "gpt-4o", "max_tokens": 50, "messages": SAY}),
    "gemini": ("/v1beta/models/gpt-4o:generateContent", {"contents": [{"parts": [{"text": "Say one word."}]}]}),
    "responses": ("/v1/responses", {"model": "gpt-4o", "input": "Say one word."}),
    "keys": ("/v1/keys", {"name": "made twice"}),
    "files": ("/v1/files/presign", {"purpose": "reference_image", "size": 100, "type": "image/png"}),
    "videos": ("/v1/videos/generations", {"model": "wan-2.6", "prompt": "a cat", "duration_sec": 5}),
    "generation": ("/v1/3d/generations", {"model": "hunyuan-3d-2", "prompt": "a longboat"}),
}
# What a request without a body creates has a test of its own.
BODILESS = {"webhooks"}
# What only a person who is signed in creates, too.
BY_PEOPLE = {"organizations"}
# Repeats answers to itself, and answers no caller.
INSIDE = {"runner"}
# Every other family that repeats an answer creates by its sample in `events`.
for family in naming("ReplayPolicy"):
    if family not in CREATIONS.keys() | BODILESS | BY_PEOPLE | INSIDE:
        sample = json.loads((ROOT / "events" / f"{family}.json").read_text())
        CREATIONS[family] = (sample["path"], json.loads(sample["body"]))
# What each refuses of its own creation, under the same key, before anything is made.
WRONG = {"gemini": {"contents": "none"}, "keys": {"name": 1}, "files": {"size": 0}}


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as made:
        yield made


@pytest.mark.parametrize("family", CREATIONS)
def test_a_key_that_is_repeated_brings_the_same_answer(client: httpx.Client, family: str) -> None:
    path, body = CREATIONS[family]
    once = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (client.post(path, json=body, headers=once) for _ in range(2))
    assert first.is_success, first.text
    assert (again.status_code, again.content) == (first.status_code, first.content)


@pytest.mark.parametrize("family", CREATIONS)
def test_a_refusal_leaves_its_key_free(client: httpx.Client, family: str) -> None:
    path, body = CREATIONS[family]
    once = {"Idempotency-Key": secrets.token_hex(8)}
    refused = client.post(path, json=WRONG.get(family, {**body, "model": "no-such-model"}), headers=once)
    assert refused.is_client_error, refused.text
    assert client.post(path, json=body, headers=once).is_success


@pytest.mark.parametrize(
    "path",
    [
        "/v1/billing/balance",
        "/v1/billing/usage",
        "/v1/generation/jobs",
        "/v1/generation/models",
        "/v1/keys",
        "/v1/models",
        "/v1/videos",
        "/v1/webhooks/secret",
        "/v1/webhooks/deliveries",
        "/v1beta/models",
    ],
)
def test_a_list_is_read(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text


def test_a_webhook_secret_is_rotated(client: httpx.Client) -> None:
    before = client.get("/v1/webhooks/secret").json()
    once = {"Idempotency-Key": secrets.token_hex(8)}
    first, again = (client.post("/v1/webhooks/secret/rotate", headers=once).raise_for_status().json() for _ in range(2))
    assert client.get("/v1/webhooks/secret").json() == first == again != before


def test_a_key_is_given_a_cap(client: httpx.Client) -> None:
    made = client.post("/v1/keys", json={"name": "capped later"}).raise_for_status().json()
    cap = {"monthly_spend_cap_usd": "5"}
    changed = client.patch(f"/v1/keys/{made['key']['key_id']}", json=cap).raise_for_status().json()
    assert changed["monthly_spend_cap_usd"] is not None


def test_a_second_key_that_manages_keys_may_be_revoked(client: httpx.Client) -> None:
    made = client.post("/v1/keys", json={"name": "second", "can_manage_keys": True}).raise_for_status().json()
    assert client.delete(f"/v1/keys/{made['key']['key_id']}").is_success


def test_a_background_response_goes_on_from_a_stored_one(client: httpx.Client) -> None:
    first = client.post("/v1/responses", json={"model": "gpt-4o", "input": "Say one word."}).raise_for_status().json()
    more = {"model": "gpt-4o", "input": "And another.", "previous_response_id": first["id"], "background": True}
    made = client.post("/v1/responses", json=more).raise_for_status().json()
    deadline = time.monotonic() + HANGS_AFTER_S
    while made["status"] in {"queued", "in_progress"} and time.monotonic() < deadline:
        time.sleep(0.2)
        made = client.get(f"/v1/responses/{made['id']}").raise_for_status().json()
    assert made["status"] == "completed"
