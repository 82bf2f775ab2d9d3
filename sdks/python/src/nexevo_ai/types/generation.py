"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from nexevo_ai._models import NexevoModel

# Shared.


class Upload(NexevoModel):
    """An uploaded file; `url` and `id` are taken by every media field."""

    id: str
    object: str
    url: str
    mime_type: str
    bytes: int
    created_at: str
    expires_at: str


Upload.model_rebuild()
