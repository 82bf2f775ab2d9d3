"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nexevo_ai._answers import BinaryResponse
from nexevo_ai._async.answers import AsyncPage
from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._deferred import deferred  # async only
from nexevo_ai._request import FileContent, call_of, path_part
from nexevo_ai.types.files import File, PresignedUpload
from nexevo_ai.types.shared import Deleted

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.files import (
        FilesContentParams,
        FilesCreateParams,
        FilesDeleteParams,
        FilesGetParams,
        FilesListParams,
        FilesPresignParams,
    )


class AsyncFilesResource(AsyncResource):
    """Methods of `client.files`."""

    async def presign(
        self,
        purpose: Literal["generation", "reference_image", "user_data", "vision"],
        size: int,
        type: str,
        **params: Unpack[FilesPresignParams],
    ) -> PresignedUpload:
        """Creates a form for a file that is too large for a request."""
        call = call_of(
            "POST",
            "/v1/files/presign",
            {"purpose": purpose, "size": size, "type": type, **params},
            body=("purpose", "size", "type", "filename"),
            is_once=True,
        )
        answer: PresignedUpload = await self._ask(call, kind=PresignedUpload)
        return answer

    async def create(self, file: FileContent, **params: Unpack[FilesCreateParams]) -> File:
        """Stores a file, whose upload is counted before it is read."""
        call = call_of(
            "POST",
            "/v1/files",
            {"file": file, **params},
            body=("file", "purpose", "expires_after"),
            is_form=True,
            is_once=True,
        )
        answer: File = await self._ask(call, kind=File)
        return answer

    @deferred  # async only
    async def list(self, **params: Unpack[FilesListParams]) -> AsyncPage[File]:
        """Lists the account's files, newest first unless asked otherwise."""
        call = call_of(
            "GET", "/v1/files", {**params}, query=("limit", "after", "after_id", "before_id", "order", "purpose")
        )
        answer: AsyncPage[File] = await self._ask(call, element=File)
        return answer

    async def get(self, file_id: str, **params: Unpack[FilesGetParams]) -> File:
        """Shows one file."""
        call = call_of("GET", f"/v1/files/{path_part(file_id)}", {**params})
        answer: File = await self._ask(call, kind=File)
        return answer

    async def delete(self, file_id: str, **params: Unpack[FilesDeleteParams]) -> Deleted:
        """Deletes a file and its content."""
        call = call_of("DELETE", f"/v1/files/{path_part(file_id)}", {**params})
        answer: Deleted = await self._ask(call, kind=Deleted)
        return answer

    async def content(self, file_id: str, **params: Unpack[FilesContentParams]) -> BinaryResponse:
        """Sends on to the content: an answer of ours could not be longer than 6 MB."""
        call = call_of("GET", f"/v1/files/{path_part(file_id)}/content", {**params})
        answer: BinaryResponse = await self._ask(call)
        return answer
