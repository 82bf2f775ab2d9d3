"""Serves the images wire: pictures in the request, or by a job where that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import orjson

from gateway.auth.principal import key_hash, key_in
from gateway.http.exchange import Exchange
from gateway.http.request import JSON_TYPE
from gateway.http.routes import Context, Produce, Services, answered
from gateway.idempotency.ring import Answer

if TYPE_CHECKING:
    # Few requests ask for a job.
    from gateway.jobs.media.pictures import PictureJobs


def deferring(jobs: Callable[[], PictureJobs]) -> Produce:
    """Answers as every operation does, and opens a job for a request with `background: true`."""
    return partial(_produced, jobs)


async def _produced(
    jobs: Callable[[], PictureJobs], exchange: Exchange, context: Context, services: Services, is_kept: bool
) -> Answer:
    if not context.request.deferred:
        return await answered(exchange, context, services, is_kept)
    from gateway.jobs.media.service import RequestOrigin  # noqa: PLC0415  # few requests ask for a job
    from gateway.jobs.media.views import accepted_view  # noqa: PLC0415  # likewise

    request, opener = exchange.request, jobs()
    url = request.base_url if opener.public_url is None else opener.public_url
    hashed = key_hash(key_in(request.header_fields, request.query_fields))
    job = await opener.begin(context, RequestOrigin(request.request_id, url, hashed, request.source_ip))
    shown = accepted_view(job)
    headers = {"X-Nexevo-Generation-Id": job.job_id, "X-Nexevo-Model-Used": shown["model_used"]}
    return Answer(202, {"Content-Type": JSON_TYPE, **exchange.known_headers(), **headers}, orjson.dumps(shown))
