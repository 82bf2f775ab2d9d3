"""What the generation routes have in common: their services, where a request came in, and jobs that are created once.

`POST /v1/videos` is read here, since OpenAI's clients send it as a form, and others as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from gateway.canonical.jobs import Job
from gateway.control_plane import JSON_TYPE, Caller, CreatedOnce, trace_id
from gateway.framing import document
from gateway.framing.multipart import FormPart, is_form, parts_of
from gateway.job_services import generation
from gateway.jobs.generation import Came, Generation
from gateway.jobs.planning import Asked
from gateway.jobs.requests import OpenAIVideoRequest, form_members
from gateway.jobs.uploads import refuse_oversized, uploaded_file

Services = Annotated[Generation, Depends(generation)]
# The answer's headers by the members of its body that say the same (section 1 of the public contract).
HEADERS = {"X-Nexevo-Generation-Id": ("job_id", "id"), "X-Nexevo-Model-Used": ("model_used",)}


def came(request: Request, fixed: str | None) -> Came:
    """Where the request came in: what API Gateway says of its own host, and of the path before the route's."""
    event = request.scope["aws.event"]
    context = event["requestContext"]
    if fixed is None:
        before = context.get("path", "").removesuffix(event.get("path", ""))
        fixed = f"https://{context['domainName']}{before}" if "domainName" in context else ""
    return Came(trace_id(request), fixed)


@dataclass(frozen=True, slots=True)
class _CreatedJob:
    """Opens a job for the caller, once under one Idempotency-Key."""

    request: Request
    services: Generation
    caller: Caller
    once: CreatedOnce

    async def __call__(self, asked: Asked, view: Callable[[Job], Mapping[str, Any]], *, status: int) -> Response:
        """The job as `view` shows it; raises what refuses it."""
        services, account_id = self.services, self.caller.account_id
        job_id = services.new_job_id()

        async def create() -> Mapping[str, Any]:
            return view(await services.create(self.caller, job_id, asked, came(self.request, services.public_url)))

        response = await self.once(job_id, create, partial(services.disown, account_id), status=status)
        shown = orjson.loads(response.body)
        for header, members in HEADERS.items():
            response.headers[header] = next(shown[name] for name in members if name in shown)
        return response


async def creating_jobs(request: Request, services: Services, caller: Caller, once: CreatedOnce) -> _CreatedJob:
    """Whoever creates a job."""
    return _CreatedJob(request, services, caller, once)


CreatedJob = Annotated[_CreatedJob, Depends(creating_jobs)]


async def asked_as_openai(request: Request) -> Asked:
    """What a request to `POST /v1/videos` asks for, as a form or as JSON."""
    body = await request.body()
    refuse_oversized(body)
    content_type = request.headers.get("content-type", JSON_TYPE)
    if is_form(content_type):
        members, file = form_members(parts_of(content_type, body))
    else:
        members, file = document.parse(body).as_object(), None
    try:
        return OpenAIVideoRequest.model_validate(members).asked(file)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error


AskedAsOpenAI = Annotated[Asked, Depends(asked_as_openai)]


async def file_of(request: Request) -> FormPart:
    """The file that an upload brings."""
    return uploaded_file(request.headers.get("content-type", ""), await request.body())


UploadedFile = Annotated[FormPart, Depends(file_of)]


async def forgotten(_file_id: str) -> None:
    """An upload that nobody was told of costs nothing, and goes with all that are a week old."""
