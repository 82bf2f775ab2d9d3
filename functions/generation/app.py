"""Serves generation on our own wire: the models, 3D models, jobs of every kind. Jobs answer without `/v1` too."""

from gateway.http.buffered import lambda_handler
from gateway.http.calls import Page, Shown
from gateway.http.endpoints import Endpoints
from gateway.http.generation import GenerationCall
from gateway.http.json_app import JsonApp
from gateway.jobs.media.requests import Model3dRequest
from gateway.jobs.media.views import accepted_view, job_view, jobs_page

models_3d = Endpoints(GenerationCall, "/v1/3d")
generation = Endpoints(GenerationCall, "/v1/generation", "/generation")


@models_3d.on("POST", "/generations", body=Model3dRequest)
async def create_3d(call: GenerationCall, body: Model3dRequest) -> Shown:
    """Creates a 3D model, asynchronously."""
    return await call.created_job(body.to_media_request(), accepted_view, status=202)


@generation.on("GET", "/models")
async def list_models(call: GenerationCall) -> Shown:
    """Lists the models and their prices."""
    return await call.service.models(call.principal)


@generation.on("GET", "/jobs", query=Page)
async def list_jobs(call: GenerationCall, wanted: Page) -> Shown:
    """Lists the account's jobs, newest first."""
    page = await call.service.page(call.account_id, wanted.limit, wanted.cursor)
    return await jobs_page(page, call.service.objects, call.services.clock.now_s())


@generation.on("GET", "/jobs/{job_id}")
async def get_job(call: GenerationCall) -> Shown:
    """Shows a job, with freshly signed URLs of its results."""
    job = await call.service.find(call.account_id, call.path["job_id"])
    return await job_view(job, call.service.objects, call.services.clock.now_s())


@generation.on("POST", "/jobs/{job_id}/cancel")
async def cancel_job(call: GenerationCall) -> Shown:
    """Cancels a job that has not ended; it is not charged."""
    job = await call.service.cancel(call.account_id, call.path["job_id"])
    return await job_view(job, call.service.objects, call.services.clock.now_s())


app = JsonApp(models_3d, generation)
handler = lambda_handler(app)
