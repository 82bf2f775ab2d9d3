"""Tests that a page in Chinese says each error in Chinese: the code's own words, or those for any other refusal."""

import re

import orjson
import pytest

from gateway.canonical.tries import SERVED
from gateway.console.pages.logs import OUTCOMES
from gateway.jobs.closing import FAILED
from gateway.pipeline.attempts import OVERDUE
from gateway.pipeline.caching import CACHED
from gateway.pipeline.context import COOLING, CUT, HEDGED
from local.guide.causes import JOBS
from local.guide.codes import CODE, given
from tests.console.harness import Browser
from tests.console.samples import JOB

CHINESE = orjson.loads((Browser().app.folder / "words" / "codes.zh.json").read_bytes())
# Of the console's own refusals.
OWN = re.compile(r"""Refused\(\d+, "([a-z_]+)\"""")
OTHER = ""


def test_each_code_that_the_gateway_gives_has_its_chinese() -> None:
    own = {code for path in (CODE / "console").rglob("*.py") for code in OWN.findall(path.read_text())}
    assert own
    assert CHINESE.keys() == {each.code for each in given()} | set(JOBS) | own | {OTHER}


@pytest.mark.anyio
@pytest.mark.parametrize("code", ["no_code_of_ours", None])
async def test_a_refusal_without_a_code_of_ours_is_said_in_chinese_beside_its_own_words(code: str | None) -> None:
    browser = Browser()
    refusal = {"message": "The model takes no seed.", "code": code, "param": None}
    browser.api.script["GET /v1/keys"] = (400, {"error": refusal})
    told = (await browser.get("/console/keys", accept_language="zh")).text
    assert CHINESE[OTHER] in told
    assert '<span lang="en">The model takes no seed.</span>' in told


@pytest.mark.anyio
async def test_a_failed_job_is_said_in_chinese_beside_its_own_words() -> None:
    browser = Browser()
    failed = {**JOB, "status": "failed", "error": {"code": "moderation", "message": "Refused by the rules."}}
    browser.api.script["GET /v1/generation/jobs/job_1"] = (200, failed)
    told = (await browser.get("/console/jobs/job_1", accept_language="zh")).text
    assert CHINESE["moderation"] in told
    assert '<span lang="en">Refused by the rules.</span>' in told


@pytest.mark.anyio
async def test_a_failed_try_is_said_in_chinese() -> None:
    told = (await Browser().get("/console/requests", accept_language="zh")).text
    assert f"openai: 503 {CHINESE['upstream_overloaded']}" in told


def test_what_can_come_of_a_try_beside_a_failure_is_known() -> None:
    assert {SERVED, COOLING, HEDGED, CACHED, CUT, OVERDUE, FAILED} == OUTCOMES
