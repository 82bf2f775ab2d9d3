"""The command line of the local stack; each command's own imports wait until it is asked for.

python -m local --port 8080 --data .data --balance 100 --json --own-host 127.0.0.1:9000
python -m local processes --data .data --json
python -m local credit ACCOUNT USD --data .data
python -m local ledger ACCOUNT --data .data --json
python -m local sweep --data .data --now EPOCH_SECONDS
python -m local reconcile --data .data --now EPOCH_SECONDS
python -m local setup
"""

import argparse
import importlib
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The module whose `run` a command is.
COMMANDS = {
    "serve": "local.serve",
    "processes": "local.processes",
    "credit": "local.books",
    "ledger": "local.books",
    "sweep": "local.books",
    "reconcile": "local.reconcile",
    "setup": "local.dynamodb",
}


def main() -> int:
    """Runs one command; its exit status."""
    arguments = _arguments()
    run: Callable[[argparse.Namespace], int] = importlib.import_module(COMMANDS[arguments.command]).run
    return run(arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description="The gateway's whole stack, locally.")
    _add_data(parser)
    parser.add_argument("--port", type=int, default=8080, help="on 127.0.0.1; 0 for any")
    parser.add_argument("--balance", type=Decimal, default=Decimal(100), metavar="USD", help="of a new account")
    own = "HOST:PORT of this machine that users and providers may name: webhooks, images; may be repeated"
    parser.add_argument("--own-host", action="append", default=[], metavar="HOST:PORT", help=own)
    parser.add_argument("--template", type=Path, default=ROOT / "template.yaml")
    commands = parser.add_subparsers(dest="command")
    _add_data(commands.add_parser("processes", help="the function processes that live"))
    credit = commands.add_parser("credit", help="add money to an account")
    credit.add_argument("account")
    credit.add_argument("usd")
    credit.add_argument("--once", metavar="REFERENCE", help="a payment's reference: credited a single time")
    _add_data(credit)
    ledger = commands.add_parser("ledger", help="an account's balance, holds and entries")
    ledger.add_argument("account")
    _add_data(ledger)
    sweep = commands.add_parser("sweep", help="end the holds whose deadline is over")
    sweep.add_argument("--now", type=float, metavar="EPOCH_SECONDS", help="the sweeper's clock, if not the machine's")
    _add_data(sweep)
    reconcile = commands.add_parser("reconcile", help="start anew the jobs whose executions are lost")
    clock = "the reconciler's clock, if not the machine's: jobs count as lost that are not due before"
    reconcile.add_argument("--now", type=float, metavar="EPOCH_SECONDS", help=clock)
    _add_data(reconcile)
    commands.add_parser("setup", help="fetch what is not a Python package")
    arguments = parser.parse_args()
    arguments.command = arguments.command or "serve"
    return arguments


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path(".data"), metavar="DIR", help="what outlives the stack")
    parser.add_argument("--json", action="store_true", help="one JSON line in place of a page")


if __name__ == "__main__":
    sys.exit(main())
