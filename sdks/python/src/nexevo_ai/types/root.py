"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from nexevo_ai._models import NexevoModel

# Shared.


class Health(NexevoModel):
    """The API answers."""

    status: str
    version: str


Health.model_rebuild()
