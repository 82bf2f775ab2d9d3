"""Recorded traffic: answers of providers with the requests that they answered, a JSON file each.

Our own small sample is always here. Traffic of others lies beside some checkouts, and is read where it is: all of it in
`make test-recorded`, a drawn third in `make check` (`tests/drawn.py`), and none where the variable `RECORDED` is
`sample`, as in `make test` by hand. `python -m tests.recorded` succeeds where there is such traffic.
"""

import base64
import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.drawn import drawn

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "tests" / "golden" / "recorded"
OTHERS = ROOT.parent / "shared" / "recordings"
WITH_OTHERS = OTHERS.is_dir() and os.environ.get("RECORDED") != "sample"


def files(pattern: str) -> list[Path]:
    """The recordings whose `provider/api/name.json` fits a pattern, the sample's first, in a fixed order."""
    others = drawn(sorted(OTHERS.glob(pattern)), _named) if WITH_OTHERS else []
    return [*sorted(SAMPLE.glob(pattern)), *others]


def _named(path: Path) -> str:
    return path.relative_to(OTHERS).as_posix()


@cache
def read_recording(path: Path) -> Any:
    """A recording, parsed once for all tests of a process; none of them changes it."""
    return json.loads(path.read_bytes())


def body(recording: Any) -> bytes:
    """The answer's bytes."""
    response = recording["response"]
    if response.get("body_text") is not None:
        return str(response["body_text"]).encode()
    return base64.b64decode(response["body_b64"])


if __name__ == "__main__":
    sys.exit(not WITH_OTHERS)
