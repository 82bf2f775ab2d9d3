"""Stores the state of the simulated providers between requests, bounded, in this process only."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from local.providers.json_value import JsonValue
from local.providers.media_images import Images
from local.providers.media_tasks import TaskStore
from local.providers.media_webhooks import Webhooks

CACHE_MIN_TOKENS = 1024
CACHE_STEP_TOKENS = 128
_PREFIXES_KEPT = 65_536
_ITEMS_KEPT = 4_096


class PrefixCache:
    """The prompt prefixes seen before, as OpenAI's automatic caching counts them.

    A hit is at least 1,024 tokens long and grows in steps of 128
    (https://platform.openai.com/docs/guides/prompt-caching).
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def read_and_write(self, scope: str, prompt: Sequence[str]) -> int:
        """Returns the length in tokens of the longest prefix seen before, and stores the whole prompt."""
        hits = 0
        state = hashlib.blake2b(scope.encode(), digest_size=16)
        for end in range(CACHE_STEP_TOKENS, len(prompt) + 1, CACHE_STEP_TOKENS):
            state.update("\x1f".join(prompt[end - CACHE_STEP_TOKENS : end]).encode())
            if end >= CACHE_MIN_TOKENS:
                hits = end if self._touch(state.copy().digest()) else hits
        return hits

    def _touch(self, digest: bytes) -> bool:
        known = digest in self._seen
        self._seen[digest] = None
        self._seen.move_to_end(digest)
        while len(self._seen) > _PREFIXES_KEPT:
            self._seen.popitem(last=False)
        return known


class BoundedStore:
    """A bounded store of items by id, which drops the oldest first."""

    def __init__(self, kept: int = _ITEMS_KEPT) -> None:
        self._items: OrderedDict[str, JsonValue] = OrderedDict()
        self._kept = kept

    def put(self, key: str, item: JsonValue) -> None:
        """Stores an item, and replaces an earlier one of the same id."""
        self._items[key] = item
        self._items.move_to_end(key)
        while len(self._items) > self._kept:
            self._items.popitem(last=False)

    def get(self, key: str) -> JsonValue | None:
        """Returns the item of this id, or None."""
        return self._items.get(key)

    def pop(self, key: str) -> JsonValue | None:
        """Removes and returns the item of this id, or None."""
        return self._items.pop(key, None)


class Memory:
    """The state of one simulator process."""

    def __init__(self) -> None:
        self.prefixes = PrefixCache()
        self.responses = BoundedStore()
        self.items = BoundedStore()
        self.cache_blocks = BoundedStore()
        self.tasks = TaskStore()
        self.webhooks = Webhooks()
        self.images = Images()
