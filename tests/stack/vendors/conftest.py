"""The media vendors' own SDKs, each run by a script in their environment, against the simulated vendors."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.environments import ROOT, python_with, run
from tests.providers_sim.conftest import control, rows

__all__ = ["control", "rows"]


@pytest.fixture(scope="session")
def python() -> str:
    """Returns the Python of the media vendors' SDKs."""
    return python_with("media-sdks")


def seen(python: str, script: str, *given: Any) -> Any:
    """Returns the driver script's report, given these values."""
    told = [orjson.dumps(one).decode() for one in given]
    return orjson.loads(run([python, str(Path(__file__).parent / script), *told], ROOT))
