"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Literal, Optional, Union

from nexevo_ai._models import NexevoModel

# Shared.


class Video(NexevoModel):
    """A job of video, as OpenAI's SDKs read it."""

    id: str
    object: str
    created_at: int
    completed_at: Optional[int]
    expires_at: Optional[int]
    status: Union[Literal["completed", "failed", "in_progress", "queued"], str]
    progress: int
    model: str
    model_used: str
    seconds: Optional[str]
    size: Optional[str]
    prompt: Optional[str]
    remixed_from_video_id: Optional[str]
    error: Optional[VideoErrorView]


class VideoErrorView(NexevoModel):
    """Reason for which a video has failed."""

    code: str
    message: str


class VideoList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[Video]
    first_id: Optional[str]
    last_id: Optional[str]
    has_more: bool


Video.model_rebuild()
VideoErrorView.model_rebuild()
VideoList.model_rebuild()
