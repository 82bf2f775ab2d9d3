"""The operator's commands on a stack, running or not."""

import subprocess
import sys
from pathlib import Path

import orjson

from tests.clients.conftest import ROOT, running


def local(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "local", *words], cwd=ROOT, capture_output=True, check=False)


def test_a_credit_is_in_the_ledger_while_the_stack_runs_and_after_it(tmp_path: Path) -> None:
    data = str(tmp_path)
    with running(tmp_path, balance_usd=3) as stack:
        assert local("credit", stack.account_id, "1.5", "--data", data, "--once", "payment-1").returncode == 0
        assert local("credit", stack.account_id, "1.5", "--data", data, "--once", "payment-1").returncode == 0
        told = stack.ledger()
        assert (told["balance_nano"], told["held_nano"], told["holds"]) == (4_500_000_000, 0, [])
    after = local("ledger", stack.account_id, "--data", data, "--json")
    assert orjson.loads(after.stdout) == told
    swept = local("sweep", "--data", data, "--now", "4102444800")
    assert swept.returncode == 0
    stranger = local("ledger", "acct_nobody", "--data", data)
    assert (stranger.returncode, b"acct_nobody" in stranger.stderr) == (1, True)


def test_the_same_directory_brings_back_key_and_balance(tmp_path: Path) -> None:
    with running(tmp_path, balance_usd=3) as first:
        pass
    with running(tmp_path, balance_usd=3) as second:
        assert (second.api_key, second.account_id) == (first.api_key, first.account_id)
        assert second.ledger()["balance_nano"] == 3_000_000_000
