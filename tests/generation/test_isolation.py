"""Tests that another account's job looks like an unknown one, for every request and at every stage of the job."""

from __future__ import annotations

import asyncio

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.generation.studio import ACCOUNT, KEY, OTHER_ACCOUNT, OTHER_KEY, Studio

CALLS = (
    ("GET", "/v1/generation/jobs/{}"),
    ("GET", "/generation/jobs/{}"),
    ("POST", "/v1/generation/jobs/{}/cancel"),
    ("POST", "/generation/jobs/{}/cancel"),
    ("GET", "/v1/videos/{}"),
    ("GET", "/v1/videos/{}/content"),
    ("DELETE", "/v1/videos/{}"),
)
LISTS = ("/v1/generation/jobs", "/generation/jobs", "/v1/videos", "/v1/videos?order=asc")
ENDS = ("none", "run", "succeed", "fail")


def seen(answer: httpx.Response, job_id: str) -> tuple[int, str, dict[str, str]]:
    """Returns all of an answer except the requested id."""
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return answer.status_code, answer.text.replace(job_id, "ID"), headers


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(
    makes_asset=st.booleans(),
    end=st.sampled_from(ENDS),
    calls=st.lists(st.sampled_from(CALLS), min_size=1, max_size=8),
    probe=st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=18, max_size=18),
)
def test_a_job_of_another_account_cannot_be_told_from_none(
    makes_asset: bool, end: str, calls: list[tuple[str, str]], probe: str
) -> None:
    async def story() -> None:
        studio = Studio()
        await studio.settle_in()
        job_id = await (studio.create_asset(OTHER_KEY) if makes_asset else studio.create(OTHER_KEY))
        if end != "none":
            await getattr(studio, end)(job_id)
        before = await studio.job(job_id)
        books = [await studio.free_nanousd(account) for account in (ACCOUNT, OTHER_ACCOUNT)]
        for method, path in calls:
            theirs = seen(await studio.ask(method, path.format(job_id), key=KEY), job_id)
            unknown = seen(await studio.ask(method, path.format(f"gen_{probe}"), key=KEY), f"gen_{probe}")
            assert theirs == unknown
            assert theirs[0] == 404
        for path in LISTS:
            assert (await studio.ask("GET", path, key=KEY)).json()["data"] == []
        assert await studio.job(job_id) == before
        assert [await studio.free_nanousd(account) for account in (ACCOUNT, OTHER_ACCOUNT)] == books

    asyncio.run(story())
