"""Shared dependencies of the generation routes: their service, the request's origin, and jobs created once.

`POST /v1/videos` is read here, since OpenAI's clients send it as a form, and others as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from msgspec import Struct
from pydantic import ValidationError

from gateway.canonical.jobs import Job
from gateway.framing.multipart import is_form, parts_of
from gateway.http.json_app import Caller, CreatedOnce, source_ip, trace_id
from gateway.http.request import JSON_TYPE
from gateway.jobs.media.requests import OpenAIVideoRequest, form_members
from gateway.jobs.media.service import Generation, RequestOrigin
from gateway.jobs.media.uploads import refuse_oversized
from gateway.operations.media_fit import MediaRequest
from gateway.protocols.shared import document
from gateway.wiring.generation import generation

Services = Annotated[Generation, Depends(generation)]
# The answer's headers by the members of its body that say the same (section 1 of the public contract).
HEADERS = {"X-Nexevo-Generation-Id": ("job_id", "id"), "X-Nexevo-Model-Used": ("model_used",)}


def origin_of(request: Request, fixed: str | None) -> RequestOrigin:
    """The request's origin: API Gateway's own host, and the path before the route's."""
    event = request.scope["aws.event"]
    context = event["requestContext"]
    if fixed is None:
        before = context.get("path", "").removesuffix(event.get("path", ""))
        fixed = f"https://{context['domainName']}{before}" if "domainName" in context else ""
    return RequestOrigin(trace_id(request), fixed, request.state.key_hash, source_ip(request))


class _CreatedJob(Struct, frozen=True):
    """Opens a job for the caller, once under one Idempotency-Key."""

    request: Request
    services: Generation
    caller: Caller
    once: CreatedOnce

    async def __call__(
        self, wanted: MediaRequest, view: Callable[[Job], Mapping[str, Any]], *, status: int
    ) -> Response:
        """The job as `view` shows it; raises what refuses it."""
        services, account_id = self.services, self.caller.account_id
        job_id = services.new_job_id()

        async def create() -> Mapping[str, Any]:
            return view(
                await services.create(self.caller, job_id, wanted, origin_of(self.request, services.public_url))
            )

        # The job's hold counts it.
        disown = partial(services.disown, account_id)
        response = await self.once(job_id, create, disown, status=status, counts=False)
        shown = orjson.loads(response.body)
        for header, members in HEADERS.items():
            response.headers[header] = next(shown[name] for name in members if name in shown)
        return response


async def creating_jobs(request: Request, services: Services, caller: Caller, once: CreatedOnce) -> _CreatedJob:
    """Reads the caller and the Idempotency-Key of a request that creates a job."""
    return _CreatedJob(request, services, caller, once)


CreatedJob = Annotated[_CreatedJob, Depends(creating_jobs)]


async def read_video_request(request: Request) -> MediaRequest:
    """Reads a request to `POST /v1/videos`, which is a form or JSON."""
    body = await request.body()
    refuse_oversized(body)
    content_type = request.headers.get("content-type", JSON_TYPE)
    if is_form(content_type):
        members, file = form_members(parts_of(content_type, body))
    else:
        members, file = document.parse(body).as_object(), None
    try:
        return OpenAIVideoRequest.model_validate(members).to_media_request(file)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error


OpenAIVideo = Annotated[MediaRequest, Depends(read_video_request)]
