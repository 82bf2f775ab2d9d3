"""Tests that each sample of `events` is taken by the function that it is for, as by `sam local invoke`."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from local.operator_commands import running_environment
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack
from tests.template.families import functions, routed
from tests.template.translated import ROOT

SAMPLES = {path.stem: path for path in sorted((ROOT / "events").glob("*.json"))}
FUNCTIONS = {family: name for name, family in functions().items()}
# What stands for a key in a sample.
NO_KEY = re.compile(r"sk-xc-0+")
# Samples that name what this stack does not have: a signature, a session, a job, a key of a provider, an open socket.
REFUSED = {
    "billing-webhook": 401,
    "callbacks": 401,
    "generation-job": 404,
    "keys-mcp-server": 400,
    "keys-spend-cap": 404,
    "operator": 401,
    "organizations": 401,
    "provider-keys-create": 400,
    "realtime-connect": 401,
    "realtime-connect-responses": 401,
}


def function_of(sample: str, event: Any) -> str:
    """The function that the event's path leads to, or that the sample is named after."""
    of_path = {
        route.family
        for route in routed()
        if route.path == event.get("resource") and route.method in {"ANY", event["httpMethod"]}
    }
    named = [family for family in FUNCTIONS if sample == family or sample.startswith(f"{family}-")]
    family = sample if sample in of_path else next(iter(of_path), None) or max(named, key=len)
    return FUNCTIONS[family]


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Stack:
    """Opens an account of its own, since samples create what others' tests list."""
    return stack.with_new_account("20")


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_taken_by_its_function(owner: Stack, sample: str) -> None:
    text = SAMPLES[sample].read_text()
    name = function_of(sample, json.loads(text))
    # A session with a client that there is not would be carried until that is found out.
    content = text if sample.startswith("realtime-connect") else NO_KEY.sub(owner.api_key, text)
    api = running_environment(owner.data)["AWS_ENDPOINT_URL_LAMBDA"]
    invoked = httpx.post(
        f"{api}/2015-03-31/functions/nexgate-local-{name}/invocations",
        content=content,
        timeout=HANGS_AFTER_S,
        trust_env=False,
    )
    assert (invoked.status_code, invoked.headers.get("x-amz-function-error")) == (200, None), invoked.text
    # A streamed answer has its body behind eight NUL bytes.
    answer = json.loads(invoked.content.partition(b"\0" * 8)[0])
    status = answer.get("statusCode", 200)
    assert (status == REFUSED[sample]) if sample in REFUSED else (200 <= status < 300), invoked.text
