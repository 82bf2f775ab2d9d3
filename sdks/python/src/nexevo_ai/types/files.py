"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import NexevoModel

# Shared.


class File(NexevoModel):
    """A kept file, as OpenAI's SDKs read it."""

    id: str
    object: str
    bytes: int
    created_at: int
    expires_at: Optional[int]
    filename: str
    purpose: str
    status: str
    status_details: Optional[str]


class FileList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[File]
    first_id: Optional[str]
    last_id: Optional[str]
    has_more: bool


class PresignedUpload(NexevoModel):
    """A form by which a large file is posted into storage: its fields first, then the file in the field `file`."""

    id: str
    object: str
    method: str
    url: str
    fields: dict[str, str]
    expires_at: str


File.model_rebuild()
FileList.model_rebuild()
PresignedUpload.model_rebuild()
