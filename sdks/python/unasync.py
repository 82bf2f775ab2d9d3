"""Writes sync Python from async: `async` and `await` go, and names get their sync twins.

A line that ends with the comment `# async only` has no twin. Strings change by a few words of documentation alone.
"""

from __future__ import annotations

import io
import re
import tokenize

ASYNC_ONLY = "# async only"
# Names whose twin is more than themselves without `Async`.
TWINS = {
    "AsyncPage": "SyncPage", "AsyncTransport": "SyncTransport", "_async": "_sync", "aio": "sync", "asyncio": "time",
    "ClientOfEachLoop": "httpx.Client", "aclose": "close", "aread": "read",
    "aiter_bytes": "iter_bytes", "aiter_lines": "iter_lines",
    "__aenter__": "__enter__", "__aexit__": "__exit__", "__aiter__": "__iter__", "__anext__": "__next__",
}  # fmt: skip
WORDS = ((r"\basync (with|for)\b", r"\1"), (r"\basync client\b", "sync client"))


def sync_of(source: str) -> str:
    """Writes the sync twin of a module."""
    kept = [line for line in source.splitlines(keepends=True) if not line.rstrip().endswith(ASYNC_ONLY)]
    written, done, text = [], (1, 0), "".join(kept)
    lines = text.splitlines(keepends=True)
    for start, end, twin in _changes(text):
        written += [_between(lines, done, start), twin]
        done = end
    return "".join([*written, _between(lines, done, (len(lines) + 1, 0))])


Place = tuple[int, int]


def _changes(text: str) -> list[tuple[Place, Place, str]]:
    """Lists what is written in place of what: from, to, and the text."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    found: list[tuple[Place, Place, str]] = []
    # For each open bracket, whether it goes with its name.
    brackets: list[bool] = []
    for token, following in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
        name = token.string
        if token.type == tokenize.NAME and name in ("async", "await"):
            found.append((token.start, following.start, ""))
        elif token.type == tokenize.NAME and name == "Awaitable" and following.string == "[":
            found.append((token.start, following.end, ""))
        elif token.type in (tokenize.NAME, tokenize.STRING):
            found.append((token.start, token.end, _twin(token)))
        elif name == "[":
            brackets.append(bool(found) and found[-1][1] == token.end)
        elif name == "]" and brackets.pop():
            found.append((token.start, token.end, ""))
    return found


def _twin(token: tokenize.TokenInfo) -> str:
    """The sync twin of a name or a string."""
    if token.type == tokenize.NAME:
        return TWINS.get(token.string) or re.sub(r"^Async(?=[A-Z])", "", token.string)
    twin = re.sub(r"\bAsync[A-Z]\w*", lambda found: TWINS.get(found[0]) or found[0][len("Async") :], token.string)
    for pattern, instead in WORDS:
        twin = re.sub(pattern, instead, twin)
    return twin


def _between(lines: list[str], start: Place, end: Place) -> str:
    """The text between two places; lines are counted from 1."""
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]]
    last = lines[end[0] - 1][: end[1]] if end[0] <= len(lines) else ""
    return "".join([lines[start[0] - 1][start[1] :], *lines[start[0] : end[0] - 1], last])
