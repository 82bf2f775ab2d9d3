"""Serves uploads of files for jobs: in a request, or by a presigned form."""

from functools import partial

from gateway.http.buffered import lambda_handler
from gateway.http.calls import Shown
from gateway.http.creating import created_once
from gateway.http.endpoints import Endpoints
from gateway.http.json_app import JsonApp
from gateway.http.uploads import UploadCall, forgotten
from gateway.jobs.media.requests import PresignRequest

files = Endpoints(UploadCall, "/v1/files")
uploads = Endpoints(UploadCall, "/v1/generation", "/generation")


@files.on("POST", "/presign", body=PresignRequest)
async def presign(call: UploadCall, body: PresignRequest) -> Shown:
    """Creates a form for a file that is too large for a request."""
    file_id = call.storage.new_id()
    create = partial(call.storage.presign, call.account_id, file_id, body.purpose, body.size, body.type)
    return await created_once(call, file_id, create, forgotten)


@uploads.on("POST", "/upload")
async def upload(call: UploadCall) -> Shown:
    """Stores a reference image, whose upload is counted before its file is read."""
    await call.count_work()
    file, file_id = call.file(), call.storage.new_id()
    create = partial(call.storage.upload, call.account_id, file_id, file)
    return await created_once(call, file_id, create, forgotten, counts=False)


app = JsonApp(files, uploads)
handler = lambda_handler(app)
