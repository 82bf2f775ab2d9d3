"""Calls of the endpoints that take files."""

from __future__ import annotations

from gateway.files.uploads import Uploads, uploaded_file
from gateway.framing.multipart import FormPart
from gateway.http.calls import KeyedCall
from gateway.wiring.files import uploads


class UploadCall(KeyedCall):
    """One call about a file."""

    @property
    def storage(self) -> Uploads:
        """Customers' files."""
        return uploads()

    def file(self) -> FormPart:
        """The file of an upload; raises the refusal of another body."""
        return uploaded_file(self.request.headers.get("content-type", ""), self.request.body)


async def forgotten(_file_id: str) -> None:
    """Does nothing: an unconfirmed upload is free, and the bucket's lifecycle rule deletes it after 30 days."""
