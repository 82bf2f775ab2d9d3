"""Stops the clock by which botocore signs, so that its signatures can be compared to ours."""

from datetime import UTC, datetime

import botocore.auth
import pytest


def stop_botocore(monkeypatch: pytest.MonkeyPatch, at_s: float) -> None:
    """Sets botocore's clock to a moment, in seconds since 1970."""
    moment = datetime.fromtimestamp(at_s, UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: moment.replace(tzinfo=None))
