"""Shows accounts' files as OpenAI's and Anthropic's SDKs read them.

https://platform.openai.com/docs/api-reference/files and https://docs.claude.com/en/api/files-create
"""

from __future__ import annotations

from typing import Any

from gateway.accounts.pages import Page, iso_utc
from gateway.ports.files import FileRecord


class OpenAIFiles:
    """OpenAI's shapes."""

    @staticmethod
    def file(record: FileRecord) -> dict[str, Any]:
        """One file."""
        return {
            "id": record.file_id,
            "object": "file",
            "bytes": record.size_bytes,
            "created_at": record.created_at_s,
            "expires_at": record.expires_at_s,
            "filename": record.name,
            "purpose": record.purpose,
            "status": "processed",
            "status_details": None,
        }

    @staticmethod
    def deleted(file_id: str) -> dict[str, Any]:
        """The answer to a deletion."""
        return {"id": file_id, "object": "file", "deleted": True}

    @classmethod
    def page(cls, page: Page[FileRecord]) -> dict[str, Any]:
        """One page of the list."""
        return {"object": "list", **_page([cls.file(record) for record in page.elements], page)}


class AnthropicFiles:
    """Anthropic's shapes."""

    @staticmethod
    def file(record: FileRecord) -> dict[str, Any]:
        """One file."""
        return {
            "id": record.file_id,
            "type": "file",
            "filename": record.name,
            "mime_type": record.mime_type,
            "size_bytes": record.size_bytes,
            "created_at": iso_utc(record.created_at_s),
            "downloadable": True,
        }

    @staticmethod
    def deleted(file_id: str) -> dict[str, Any]:
        """The answer to a deletion."""
        return {"id": file_id, "type": "file_deleted"}

    @classmethod
    def page(cls, page: Page[FileRecord]) -> dict[str, Any]:
        """One page of the list."""
        return _page([cls.file(record) for record in page.elements], page)


def _page(data: list[dict[str, Any]], page: Page[FileRecord]) -> dict[str, Any]:
    ids = [each["id"] for each in data]
    return {
        "data": data,
        "first_id": ids[0] if ids else None,
        "last_id": page.next_cursor or (ids[-1] if ids else None),
        "has_more": page.next_cursor is not None,
    }
