"""Answers of the sync client beside plain models: pages that go on, and answers whose body is read as it comes.

Written by `sdks/python/generate.py` from `_async/answers.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Generic, Optional, TypeVar, Union

from pydantic import PrivateAttr

from nexevo_ai._answers import Page, RawResponse, is_events
from nexevo_ai._client import named_failures

T = TypeVar("T")


class SyncPage(Page[T], Generic[T]):
    """One page of a list; `for each in page` reads all pages."""

    _next: Optional[Callable[[dict[str, str]], SyncPage[T]]] = PrivateAttr(default=None)

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

    def __iter__(self) -> Iterator[T]:  # type: ignore[override,unused-ignore]  # pydantic's of the twin
        for page in self.pages():
            yield from page.data


class StreamedResponse(RawResponse[Any]):
    """An answer whose body is not read yet: by its bytes or lines as they come, or whole."""

    def iter_bytes(self, chunk_size: Optional[int] = None) -> Iterator[bytes]:
        """The bytes, as they come."""
        with named_failures(self.http_response):
            yield from self.http_response.iter_bytes(chunk_size)

    def iter_lines(self) -> Iterator[str]:
        """The lines, as they come."""
        with named_failures(self.http_response):
            yield from self.http_response.iter_lines()

    def read(self) -> bytes:
        """The whole body."""
        with named_failures(self.http_response):
            return self.http_response.read()

    def parse(self) -> Any:
        """The answer as the method gives it."""
        if not is_events(self.http_response):
            self.read()
        return super().parse()

    def stream_to_file(self, path: Union[str, Path]) -> None:
        """Writes the bytes to a file as they come."""
        with Path(path).open("wb") as file:  # a piece is small
            file.writelines(self.iter_bytes())


class Streamed:
    """Methods of a part of the API, each of which gives a context manager of an answer whose body is still to come."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._resource, name)
        if not callable(found):
            return Streamed(found)
        return lambda *args, **params: Opened(lambda: found(*args, **params))


class Opened:
    """Context manager of an answer whose body is still to come."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self._answer: Any = None

    def __enter__(self) -> StreamedResponse:
        self._answer = self._ask()
        answer: StreamedResponse = self._answer
        return answer

    def __exit__(self, *_: object) -> None:
        self._answer.http_response.close()
