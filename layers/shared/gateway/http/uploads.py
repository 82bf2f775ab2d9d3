"""Shared dependencies of the routes that take files."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from gateway.framing.multipart import FormPart
from gateway.http.json_app import CountedCaller
from gateway.jobs.media.uploads import Uploads, uploaded_file
from gateway.wiring.files import uploads

Files = Annotated[Uploads, Depends(uploads)]


async def file_of(request: Request, _caller: CountedCaller) -> FormPart:
    """Reads the file of an upload, which is counted first."""
    return uploaded_file(request.headers.get("content-type", ""), await request.body())


UploadedFile = Annotated[FormPart, Depends(file_of)]


async def forgotten(_file_id: str) -> None:
    """Does nothing: an unconfirmed upload is free, and the bucket's lifecycle rule deletes it after 7 days."""
