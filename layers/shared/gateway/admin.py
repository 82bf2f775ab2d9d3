"""The operator's command line: accounts and their first keys, credit, suspension, ledgers, the sweeper by hand.

    python -m gateway.admin --stack NAME create-account --balance 20
    python -m gateway.admin --stack NAME credit ACCOUNT USD --once REFERENCE
    python -m gateway.admin --stack NAME disable ACCOUNT [--key KEY_ID] | enable ACCOUNT [--key KEY_ID]
    python -m gateway.admin --stack NAME limit ACCOUNT RPM
    python -m gateway.admin --stack NAME ledger ACCOUNT [--json]
    python -m gateway.admin --stack NAME sweep [--now EPOCH_SECONDS]

It works on the tables that the stack's outputs name, through the stores that the functions use, with the ordinary AWS
credentials of whoever runs it. A key's text is printed once, when it is made, and kept nowhere.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace

import boto3
import orjson

from gateway.bootstrap import SystemClock, aws_api
from gateway.errors import GatewayError
from gateway.framing.sigv4 import AwsCredentials
from gateway.ledger.money import NotAnAmount, format_usd, parse_usd
from gateway.limits.windows import ACCOUNT_RPM_LIMIT
from gateway.operations import Document, Operator, create_account, credit, entry_document, look
from gateway.settings import Settings, from_environment
from gateway.stores.key_store import DynamoKeyStore
from gateway.stores.money_dynamodb import DynamoMoney
from gateway.stores.money_sweep import sweep
from gateway.stores.money_tables import MoneyTables
from gateway.transport import Client


@asynccontextmanager
async def operator(chosen: Settings) -> AsyncIterator[Operator]:
    """The operator of the tables that the settings name; its connections close with the context."""
    clock, client = SystemClock(), Client()
    aws = aws_api(chosen, client, clock)
    tables = MoneyTables(aws, chosen.accounts_table, chosen.ledger_table)
    try:
        yield Operator(
            DynamoMoney(aws, chosen.accounts_table, chosen.ledger_table),
            DynamoKeyStore(tables, chosen.keys_table),
            clock,
        )
    finally:
        await client.close()


async def _create_account(services: Operator, arguments: argparse.Namespace) -> Document:
    account_id, full_key = await create_account(services, parse_usd(arguments.balance), rpm_limit=arguments.rpm)
    return {"account_id": account_id, "full_key": full_key}


async def _credit(services: Operator, arguments: argparse.Namespace) -> Document:
    once = arguments.once or f"by-hand-{secrets.token_hex(8)}"
    return entry_document(await credit(services, arguments.account, parse_usd(arguments.usd), once=once))


async def _disable(services: Operator, arguments: argparse.Namespace) -> Document:
    disabled = arguments.command == "disable"
    if arguments.key:
        await services.key_store.change(arguments.account, arguments.key, {"disabled": disabled})
    else:
        await services.money.set_account(arguments.account, disabled=disabled)
    return {"account_id": arguments.account, "key_id": arguments.key, "disabled": disabled}


async def _limit(services: Operator, arguments: argparse.Namespace) -> Document:
    await services.money.set_account(arguments.account, rpm_limit=arguments.rpm)
    return {"account_id": arguments.account, "rpm_limit": arguments.rpm}


async def _ledger(services: Operator, arguments: argparse.Namespace) -> Document:
    return await look(services, arguments.account)


async def _sweep(services: Operator, arguments: argparse.Namespace) -> Document:
    now_s = services.clock.now_s() if arguments.now is None else arguments.now
    return asdict(await sweep(services.money, now_s))


COMMANDS: Mapping[str, Callable[[Operator, argparse.Namespace], Awaitable[Document]]] = {
    "create-account": _create_account,
    "credit": _credit,
    "disable": _disable,
    "enable": _disable,
    "limit": _limit,
    "ledger": _ledger,
    "sweep": _sweep,
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    line = argparse.ArgumentParser(prog="python -m gateway.admin", description="Operate a deployed gateway.")
    line.add_argument("--stack", required=True, help="the CloudFormation stack's name")
    line.add_argument("--region", help="the stack's region, if not the environment's")
    commands = line.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create-account", help="a new account and its first key, shown once")
    create.add_argument("--balance", default="0", metavar="USD")
    create.add_argument("--rpm", type=int, default=ACCOUNT_RPM_LIMIT, help="requests per minute")
    money = commands.add_parser("credit", help="add money")
    money.add_argument("account")
    money.add_argument("usd")
    money.add_argument("--once", metavar="REFERENCE", help="a payment's reference: credited a single time")
    for command in ("disable", "enable"):
        suspension = commands.add_parser(command, help=f"{command} an account, or one of its keys")
        suspension.add_argument("account")
        suspension.add_argument("--key", metavar="KEY_ID")
    limit = commands.add_parser("limit", help="set an account's requests per minute")
    limit.add_argument("account")
    limit.add_argument("rpm", type=int)
    ledger = commands.add_parser("ledger", help="balance, holds and entries")
    ledger.add_argument("account")
    ledger.add_argument("--json", action="store_true")
    sweeper = commands.add_parser("sweep", help="end the holds whose deadline is over, as the sweeper does")
    sweeper.add_argument("--now", type=float, metavar="EPOCH_SECONDS")
    return line


def shown(arguments: argparse.Namespace, answer: Document) -> str:
    """The answer as text: JSON, but for a ledger that a person wants to read."""
    if arguments.command != "ledger" or arguments.json:
        return orjson.dumps(answer).decode()
    head = f"free {format_usd(answer['balance_nano'])} USD, held {format_usd(answer['held_nano'])} USD"
    holds = [f"hold   {hold['id']}  {format_usd(hold['amount_nano']):>16}" for hold in answer["holds"]]
    lines = [
        f"{entry['kind']:10} {entry['id']}  {format_usd(entry['amount_nano']):>16}  {entry.get('model_used') or ''}"
        for entry in answer["entries"]
    ]
    return "\n".join([head, *holds, *lines])


def stack_settings(stack: str, region: str | None) -> Settings:
    """The settings of a deployed stack, from its outputs, for the caller's own credentials."""
    session = boto3.Session(region_name=region)
    (described,) = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    found = session.get_credentials()
    frozen = found.get_frozen_credentials() if found else None
    if frozen is None or not frozen.access_key or not frozen.secret_key:
        raise SystemExit("There are no AWS credentials: configure a profile, or set AWS_ACCESS_KEY_ID.")
    return replace(
        from_environment(),
        region=session.region_name,
        aws_credentials=AwsCredentials(frozen.access_key, frozen.secret_key, frozen.token),
        container_credentials_url=None,
        keys_table=outputs["KeysTable"],
        accounts_table=outputs["AccountsTable"],
        ledger_table=outputs["LedgerTable"],
    )


async def answered(chosen: Settings, arguments: argparse.Namespace) -> Document:
    """What the command answers on these tables."""
    async with operator(chosen) as services:
        return await COMMANDS[arguments.command](services, arguments)


def main(words: Sequence[str]) -> int:
    """Runs one command; 1 where it was refused, with the reason on stderr."""
    arguments = parser().parse_args(words)
    try:
        answer = asyncio.run(answered(stack_settings(arguments.stack, arguments.region), arguments))
    except (GatewayError, NotAnAmount) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(shown(arguments, answer))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
