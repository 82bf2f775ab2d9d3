"""Measures the unpacked size of the deployed layer: Lambda reads it at a cold start, and allows 250 MB."""

from pathlib import Path

from bench.bed import ROOT
from bench.figures import Figure

BUILT = ROOT / ".aws-sam" / "build" / "SharedLayer"


def measure(built: Path = BUILT) -> list[Figure]:
    """Measures the layer; empty if `make build` has not built it."""
    if not built.is_dir():
        return []
    size_bytes = sum(file.stat().st_size for file in built.rglob("*") if file.is_file())
    return [Figure("Layer", "unpacked, as built", [size_bytes / 1e6], "MB", bar=60, aim=30)]
