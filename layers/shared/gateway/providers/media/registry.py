"""Lists the media vendors by the name under which this deployment stores their accounts.

A vendor's code is loaded at its first use, so that a cold start pays for no other vendor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from gateway.ports.catalog import KnownNames
from gateway.providers.media.vendor import MediaVendor

# Each vendor's module in this folder, and its row there.
_ROWS = {
    "gemini": ("veo", "GEMINI"),
    "vertex": ("veo", "VERTEX"),
    "dashscope": ("dashscope", "DASHSCOPE"),
    "runway": ("runway", "RUNWAY"),
    "luma": ("luma", "LUMA"),
    "xai": ("xai", "XAI"),
    "replicate": ("replicate", "REPLICATE"),
    "fal": ("fal", "FAL"),
    "kling": ("kling", "KLING"),
    "meshy": ("meshy", "MESHY"),
    "tencent": ("tencent", "TENCENT"),
}


class _Vendors(Mapping[str, MediaVendor]):
    """The rows by name."""

    def __getitem__(self, name: str) -> MediaVendor:
        module, row = _ROWS[name]
        vendor: MediaVendor = getattr(import_module(f"gateway.providers.media.{module}"), row)
        return vendor

    def __iter__(self) -> Iterator[str]:
        return iter(_ROWS)

    def __len__(self) -> int:
        return len(_ROWS)


MEDIA_VENDORS: Mapping[str, MediaVendor] = _Vendors()

# What rows of the catalog may name.
KNOWN = KnownNames(dict.fromkeys(_ROWS, ()))
