"""Answers beside plain models: pages that go on, files, and raw responses."""

from __future__ import annotations

from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, Generic, Iterator, List, Optional, TypeVar, Union

import httpx
from pydantic import PrivateAttr

from nexevo_ai._errors import request_id_of
from nexevo_ai._models import NexevoModel

T = TypeVar("T")


class Page(NexevoModel, Generic[T]):
    """One page of a list; to iterate over it asks for the pages that follow."""

    data: List[T]
    has_more: bool = False
    next_cursor: Optional[str] = None
    last_id: Optional[str] = None
    _next: Any = PrivateAttr(default=None)

    @property
    def next_query(self) -> Optional[Dict[str, str]]:
        """The query that asks for the page that follows, or `None` at the end."""
        if not self.has_more:
            return None
        if self.next_cursor:
            return {"cursor": self.next_cursor}
        return {"after": self.last_id} if self.last_id else None

    def __len__(self) -> int:
        return len(self.data)


class SyncPage(Page[T], Generic[T]):
    """One page of a list; `for each in page` reads all pages."""

    _next: Optional[Callable[[Dict[str, str]], SyncPage[T]]] = PrivateAttr(default=None)

    def next_page(self) -> Optional[SyncPage[T]]:
        """The page that follows, or `None` at the end."""
        query = self.next_query
        return None if query is None or self._next is None else self._next(query)

    def pages(self) -> Iterator[SyncPage[T]]:
        """Iterates over this page and those that follow."""
        page: Optional[SyncPage[T]] = self
        while page is not None:
            yield page
            page = page.next_page()

    def __iter__(self) -> Iterator[T]:  # type: ignore[override]  # pydantic's iterates over fields
        for page in self.pages():
            yield from page.data


class AsyncPage(Page[T], Generic[T]):
    """One page of a list; `async for each in page` reads all pages."""

    _next: Optional[Callable[[Dict[str, str]], Awaitable[AsyncPage[T]]]] = PrivateAttr(default=None)

    async def next_page(self) -> Optional[AsyncPage[T]]:
        """The page that follows, or `None` at the end."""
        query = self.next_query
        return None if query is None or self._next is None else await self._next(query)

    async def pages(self) -> AsyncIterator[AsyncPage[T]]:
        """Iterates over this page and those that follow."""
        page: Optional[AsyncPage[T]] = self
        while page is not None:
            yield page
            page = await page.next_page()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for each in page.data:
                yield each


class BinaryResponse:
    """A file or a text that was answered."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response

    @property
    def content(self) -> bytes:
        """The bytes."""
        return self.response.content

    @property
    def text(self) -> str:
        """The bytes as text."""
        return self.response.text

    @property
    def headers(self) -> httpx.Headers:
        """Headers of the answer."""
        return self.response.headers

    def read(self) -> bytes:
        """The bytes."""
        return self.response.content

    def write_to_file(self, path: Union[str, Path]) -> None:
        """Writes the bytes to a file."""
        Path(path).write_bytes(self.response.content)


class RawResponse(Generic[T]):
    """The answer with its headers; `parse` gives what the method gives by itself."""

    def __init__(self, response: httpx.Response, parse: Callable[[httpx.Response], T]) -> None:
        self.http_response = response
        self._parse = parse

    @property
    def headers(self) -> httpx.Headers:
        """Headers of the answer."""
        return self.http_response.headers

    @property
    def status_code(self) -> int:
        """The status."""
        return self.http_response.status_code

    @property
    def request_id(self) -> Optional[str]:
        """The id of the request, for support."""
        return request_id_of(self.http_response.headers)

    def parse(self) -> T:
        """The answer as the method gives it."""
        return self._parse(self.http_response)
