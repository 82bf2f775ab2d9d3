"""Tests that a command on a stack that cannot be read is refused in one line."""

import boto3
import pytest
from moto import mock_aws

from gateway.admin.commands import main


@mock_aws
def test_a_stack_that_does_not_exist_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert main(["--stack", "no-such-stack", "--region", "us-east-1", "ledger", "acct_1"]) == 1
    assert "no-such-stack" in capsys.readouterr().err
