"""The command line of the local stack. Each command imports its modules only when it runs.

python -m local --port 8080 --data .data --balance 100 --json --own-host 127.0.0.1:9000
python -m local --parameter SnapStart=PublishedVersions
python -m local processes --data .data --json
python -m local credit ACCOUNT USD --data .data
python -m local ledger ACCOUNT --data .data --json
python -m local catalog --data .data set FILE
python -m local sweep --data .data --now EPOCH_SECONDS
python -m local reconcile --data .data --now EPOCH_SECONDS
python -m local mail --data .data --json
python -m local setup
"""

import argparse
import importlib
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The module whose `run` executes each command.
COMMANDS = {
    "serve": "local.serve",
    "processes": "local.processes",
    "credit": "local.operator_commands",
    "ledger": "local.operator_commands",
    "sweep": "local.operator_commands",
    "reconcile": "local.reconcile",
    "mail": "local.mail",
    "setup": "local.dynamodb",
}
# Commands whose words are those that a deployed stack's operator types.
WORDED = {
    "audit": "the audit log of an account, or of the deployment",
    "catalog": "the document over the catalog: show, diff, set, rollback",
    "users": "people: list, show, disable, enable, unlock, invite",
    "organizations": "organizations: list, show, members",
    "plans": "plans: show, set, give-back",
    "refunds": "refunds made by hand: payments, book",
}
COMMANDS |= dict.fromkeys(WORDED, "local.operator_commands")


def main() -> int:
    """Runs one command and returns its exit status."""
    arguments = _arguments()
    run: Callable[[argparse.Namespace], int] = importlib.import_module(COMMANDS[arguments.command]).run
    return run(arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description="The gateway's whole stack, locally.")
    _add_data(parser, of_command=False)
    parser.add_argument("--port", type=int, default=8080, help="on 127.0.0.1; 0 for any")
    # Not `balance`: the operator's commands, which are handed this line, have an amount of that name.
    parser.add_argument(
        "--balance",
        dest="first_balance",
        type=Decimal,
        default=Decimal(100),
        metavar="USD",
        help="of a new account",
    )
    own = "HOST:PORT of this machine that users and providers may name: webhooks, images; may be repeated"
    parser.add_argument("--own-host", action="append", default=[], metavar="HOST:PORT", help=own)
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", type=_parameter, help="of the template"
    )
    parser.add_argument("--template", type=Path, default=ROOT / "template.yaml")
    commands = parser.add_subparsers(dest="command")
    _add_data(commands.add_parser("processes", help="the function processes that live"))
    _add_data(commands.add_parser("mail", help="the letters that the stack has sent"))
    credit = commands.add_parser("credit", help="add money to an account")
    credit.add_argument("account")
    credit.add_argument("usd")
    credit.add_argument("--once", metavar="REFERENCE", help="a payment's reference: credited a single time")
    credit.add_argument("--why", metavar="REASON", default="on a local stack", help="the reason, which is kept")
    credit.add_argument("--by", metavar="NAME", help="who acts, if not the user of this machine")
    _add_data(credit)
    ledger = commands.add_parser("ledger", help="an account's balance, holds and entries")
    ledger.add_argument("account")
    _add_data(ledger)
    for name, said in WORDED.items():
        worded = commands.add_parser(name, help=said)
        _add_data(worded)
        worded.add_argument("words", nargs=argparse.REMAINDER, help="as python -m gateway.admin takes them")
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
    if arguments.first_balance < 0:
        parser.error("argument --balance: an amount is 0 or more")
    return arguments


def _parameter(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError("a parameter is NAME=VALUE")
    return name, value


def _add_data(parser: argparse.ArgumentParser, *, of_command: bool = True) -> None:
    """Adds the options that may stand before a command and after it; left out after it, the ones before it count."""
    data, is_json = (argparse.SUPPRESS, argparse.SUPPRESS) if of_command else (Path(".data"), False)
    parser.add_argument("--data", type=Path, default=data, metavar="DIR", help="what outlives the stack")
    parser.add_argument("--json", action="store_true", default=is_json, help="one JSON line in place of a page")


if __name__ == "__main__":
    sys.exit(main())
