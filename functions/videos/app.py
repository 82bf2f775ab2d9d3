"""Serves videos: OpenAI's routes, and our own route for creation under the same path."""

from fastapi import Response

from gateway.http.generation import CreatedJob
from gateway.http.json_app import control_app, lambda_handler, router
from gateway.http.openai_videos import videos
from gateway.jobs.media.requests import VideoRequest
from gateway.jobs.media.views import accepted_view

app = control_app("videos")
generations = router()


@generations.post("/generations", status_code=202)
async def create_video(body: VideoRequest, create: CreatedJob) -> Response:
    """Creates a video, asynchronously."""
    return await create(body.to_media_request(), accepted_view, status=202)


# This comes before `/v1/videos/{id}`, which would take "generations" for an id.
app.include_router(generations, prefix="/v1/videos")
app.include_router(videos, prefix="/v1/videos")
handler = lambda_handler(app)
