"""Calls of the generation endpoints: their service, and jobs created once.

`POST /v1/videos` is read here, since OpenAI's clients send it as a form, and others as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson

from gateway.auth.principal import key_hash
from gateway.canonical.jobs import Job
from gateway.framing.multipart import parts_of, refuse_oversized, sends_form
from gateway.http.calls import KeyedCall, Reply
from gateway.http.creating import created_once
from gateway.http.request import JSON_TYPE
from gateway.jobs.media.requests import OpenAIVideoRequest, form_members
from gateway.jobs.media.service import Generation, RequestOrigin
from gateway.operations.media_fit import MediaRequest
from gateway.protocols.shared.body import read_body, read_members
from gateway.wiring.generation import generation

# The answer's headers by the members of its body that say the same (section 1 of the public contract).
HEADERS = {"X-Nexevo-Generation-Id": ("job_id", "id"), "X-Nexevo-Model-Used": ("model_used",)}


class GenerationCall(KeyedCall):
    """One call about generation."""

    @property
    def service(self) -> Generation:
        """The service of the generation endpoints."""
        return generation()

    async def created_job(
        self, wanted: MediaRequest, view: Callable[[Job], Mapping[str, Any]], *, status: int
    ) -> Reply:
        """The job as `view` shows it, opened once under one Idempotency-Key; raises what refuses it."""
        service, job_id = self.service, self.service.new_job_id()

        async def create() -> Mapping[str, Any]:
            return view(await service.create(self.principal, job_id, wanted, self._origin(service.public_url)))

        # The job's hold counts it.
        disown = partial(service.disown, self.account_id)
        reply = await created_once(self, job_id, create, disown, status=status, counts=False)
        shown = orjson.loads(reply.body)
        for header, members in HEADERS.items():
            reply.headers[header] = next(shown[name] for name in members if name in shown)
        return reply

    def openai_video(self) -> MediaRequest:
        """The request to `POST /v1/videos`, which is a form or JSON."""
        body = self.request.body
        refuse_oversized(body)
        content_type = self.request.headers.get("content-type", JSON_TYPE)
        if not sends_form(content_type):
            return read_body(body, OpenAIVideoRequest).to_media_request(None)
        members, file = form_members(parts_of(content_type, body))
        return read_members(members, OpenAIVideoRequest).to_media_request(file)

    def _origin(self, fixed: str | None) -> RequestOrigin:
        """The request's origin: the operator's own address of the API, or the one that the caller used."""
        request = self.request
        url = request.base_url if fixed is None else fixed
        return RequestOrigin(request.request_id, url, key_hash(self.key_text), request.source_ip)
