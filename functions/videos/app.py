"""Serves videos: OpenAI's endpoints, and our own for creation under the same path."""

from gateway.http.buffered import lambda_handler
from gateway.http.calls import Shown
from gateway.http.endpoints import Endpoints
from gateway.http.generation import GenerationCall
from gateway.http.json_app import JsonApp
from gateway.http.openai_videos import videos
from gateway.jobs.media.requests import VideoRequest
from gateway.jobs.media.views import accepted_view

generations = Endpoints(GenerationCall, "/v1/videos")


@generations.on("POST", "/generations", body=VideoRequest)
async def create_video(call: GenerationCall, body: VideoRequest) -> Shown:
    """Creates a video, asynchronously."""
    return await call.created_job(body.to_media_request(), accepted_view, status=202)


app = JsonApp(generations, videos)
handler = lambda_handler(app)
