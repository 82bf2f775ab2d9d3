"""Names the console's pages: method, path, who may see it, and the function that makes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from gateway.console.visit import Answer, Visit

Make = Callable[[Visit], Awaitable[Answer]]


class Page(Struct, frozen=True):
    """One page. `again` shows the form of one that was refused, with what was wrong."""

    method: str
    path: str
    make: Make
    for_strangers: bool
    again: Make | None


class Pages:
    """The pages of one part of the console."""

    def __init__(self) -> None:
        self.all: list[Page] = []

    def on(
        self, method: str, path: str, *, for_strangers: bool = False, again: Make | None = None
    ) -> Callable[[Make], Make]:
        """Has the decorated function make the page."""

        def add(make: Make) -> Make:
            self.all.append(Page(method, path, make, for_strangers, again))
            return make

        return add


def found(pages: Sequence[Page], method: str, path: str) -> tuple[Page, Mapping[str, str]] | None:
    """The page of a path, with the parts that it names in braces."""
    asked = path.rstrip("/").split("/")
    for page in pages:
        pattern = page.path.rstrip("/").split("/")
        if page.method == method and len(pattern) == len(asked):
            pairs = list(zip(pattern, asked, strict=True))
            if all(own == given or (own.startswith("{") and given) for own, given in pairs):
                return page, {own[1:-1]: given for own, given in pairs if own.startswith("{")}
    return None
