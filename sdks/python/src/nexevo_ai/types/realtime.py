"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from pydantic import Field

from nexevo_ai._models import NexevoModel, Object

# Shared.


class ClientSecret(NexevoModel):
    """A secret that opens realtime sessions in place of a key, with what they are set to."""

    value: str = Field(repr=False)
    expires_at: int
    session: Object


ClientSecret.model_rebuild()
