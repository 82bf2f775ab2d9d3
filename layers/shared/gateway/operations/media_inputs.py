"""Says how an operation reads the files that its requests name. An operation's `fetching` verb is where it does so."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from gateway.untrusted.fetch import Fetched
from gateway.untrusted.file_types import FileType


class Inputs(Protocol):
    """Reads a file by an uploaded file's id or URL, by an https URL elsewhere, or from a data: URL."""

    async def read(
        self, account_id: str, given: str, param: str, accepted: Collection[FileType], bytes_max: int | None = None
    ) -> Fetched:
        """The whole file and its type by content, one of `accepted`; raises the refusal that names `param`."""
