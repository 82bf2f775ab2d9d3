"""The operator's command line: providers' keys, people, accounts, money, prices, the sweeper by hand.

    python -m gateway.admin --stack NAME set-provider-key PROVIDER [--setting NAME=VALUE]... [--by-role] ACT
    python -m gateway.admin --stack NAME set-provider-key PROVIDER --id ID [--weight N | --remove] ACT
    python -m gateway.admin --stack NAME set-callback PROVIDER [--setting NAME=VALUE]... [--move] ACT
    python -m gateway.admin --stack NAME create-account --balance 20 ACT
    python -m gateway.admin --stack NAME credit ACCOUNT USD --once REFERENCE ACT
    python -m gateway.admin --stack NAME disable ACCOUNT [--key KEY_ID] ACT | enable ACCOUNT [--key KEY_ID] ACT
    python -m gateway.admin --stack NAME limit ACCOUNT RPM ACT
    python -m gateway.admin --stack NAME ledger ACCOUNT [--json]
    python -m gateway.admin --stack NAME audit [ACCOUNT] [--action ACTION]
    python -m gateway.admin --stack NAME users list | show USER | disable USER ACT | enable USER ACT
    python -m gateway.admin --stack NAME users unlock USER [--source IP] ACT | invite [--days 7] ACT
    python -m gateway.admin --stack NAME organizations list | show ORG_ID | members ORG_ID
    python -m gateway.admin --stack NAME plans show [ACCOUNT] | set ACCOUNT PLAN ACT | give-back ACCOUNT YYYY-MM ACT
    python -m gateway.admin --stack NAME refunds payments ACCOUNT | book ACCOUNT PAYMENT USD --once REFERENCE ACT
    python -m gateway.admin --stack NAME sweep [--now EPOCH_SECONDS]
    python -m gateway.admin --stack NAME sum-up ACCOUNT [--mend DAYS]
    python -m gateway.admin --stack NAME catalog show [--version N] | diff [FILE] | set FILE ACT | rollback N ACT
    python -m gateway.admin --stack NAME policies list | set FILE ACT | evaluate FILE [--days DAYS]

ACT is `--why REASON [--by NAME]`: every command that changes something asks for the reason, and keeps it with who acts
in the audit log of the account, or of the deployment.
It works on the tables that the stack's outputs name, through the same stores as the functions, with the AWS credentials
of the user who runs it. A key's text is printed once, when it is created, and is not stored. A provider's key, and what
its callbacks are known by, are read from a prompt without echo, or from standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence

import boto3
import orjson
from botocore.exceptions import BotoCoreError, ClientError
from msgspec.structs import asdict, replace

from gateway.admin import catalog, log, organizations, paying, people, policies
from gateway.admin.accounts import Document, create_account, credit, entry_document, read_ledger
from gateway.admin.acts import act_of, add_act, kept
from gateway.admin.provider_keys import remove_provider_key, set_callback, set_provider_key
from gateway.admin.usage import sum_up
from gateway.catalog.schema import CatalogError
from gateway.errors import GatewayError
from gateway.ledger.money import NotAnAmount, format_usd, parse_written_usd
from gateway.limits.windows import ACCOUNT_RPM_LIMIT
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.wiring.operator import Operator, operator
from gateway.wiring.settings import Settings, from_environment


async def _create_account(services: Operator, arguments: argparse.Namespace) -> Document:
    balance = parse_written_usd(arguments.balance)
    account_id, full_key = await create_account(
        services, balance, act_of(arguments), rpm_limit=arguments.rpm, account_id=arguments.account
    )
    return {"account_id": account_id, "full_key": full_key}


async def _credit(services: Operator, arguments: argparse.Namespace) -> Document:
    once = arguments.once or f"by-hand-{secrets.token_hex(8)}"
    amount, act = parse_written_usd(arguments.usd), act_of(arguments)
    return entry_document(await credit(services, arguments.account, amount, act, once=once))


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
    return await read_ledger(services, arguments.account)


async def _set_provider_key(services: Operator, arguments: argparse.Namespace) -> Document:
    if arguments.remove:
        return await remove_provider_key(services.provider_rows, arguments.provider, arguments.id)
    return await set_provider_key(
        services.provider_rows,
        arguments.provider,
        arguments.setting,
        by_role=arguments.by_role,
        credential_id=arguments.id,
        weight=arguments.weight,
    )


async def _set_callback(services: Operator, arguments: argparse.Namespace) -> Document:
    return await set_callback(
        services.callback_rows, services.provider_rows, arguments.provider, arguments.setting, move=arguments.move
    )


async def _sweep(services: Operator, arguments: argparse.Namespace) -> Document:
    return asdict(await services.sweep(arguments.now))


async def _sum_up(services: Operator, arguments: argparse.Namespace) -> Document:
    return await sum_up(services, arguments.account, arguments.mend)


COMMANDS: Mapping[str, Callable[[Operator, argparse.Namespace], Awaitable[Document]]] = {
    "audit": log.run,
    "catalog": catalog.run,
    "create-account": _create_account,
    "credit": _credit,
    "disable": _disable,
    "enable": _disable,
    "limit": _limit,
    "ledger": _ledger,
    "organizations": organizations.run,
    "plans": paying.run_plans,
    "policies": policies.run,
    "refunds": paying.run_refunds,
    "set-callback": _set_callback,
    "set-provider-key": _set_provider_key,
    "sum-up": _sum_up,
    "sweep": _sweep,
    "users": people.run,
}


def parser() -> argparse.ArgumentParser:
    """Builds the parser of the command line."""
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
    money.add_argument("--once", metavar="REFERENCE", help="a payment's reference; a repeat with it adds nothing")
    for command in ("disable", "enable"):
        suspension = commands.add_parser(command, help=f"{command} an account, or one of its keys")
        suspension.add_argument("account")
        suspension.add_argument("--key", metavar="KEY_ID")
        add_act(suspension)
    limit = commands.add_parser("limit", help="set an account's requests per minute")
    limit.add_argument("account")
    limit.add_argument("rpm", type=int)
    ledger = commands.add_parser("ledger", help="balance, holds and entries")
    ledger.add_argument("account")
    ledger.add_argument("--json", action="store_true")
    provider = commands.add_parser("set-provider-key", help="set a provider's key; it is asked for, and not shown")
    provider.add_argument("provider")
    provider.add_argument("--setting", action="append", default=[], metavar="NAME=VALUE", help="such as base_url=...")
    provider.add_argument("--id", default="", help="one of several credentials, by a name of yours; logs show it")
    provider.add_argument("--weight", type=int, default=1, help="its share of the requests beside the others'")
    provider.add_argument("--remove", action="store_true", help="take the credential of that id away")
    provider.add_argument("--by-role", action="store_true", help="no key: the function's own role signs (Bedrock)")
    callback = commands.add_parser("set-callback", help="set what a provider's callbacks are known by; it is asked for")
    callback.add_argument("provider")
    callback.add_argument("--setting", action="append", default=[], metavar="NAME=VALUE", help="such as jwks_url=...")
    callback.add_argument("--move", action="store_true", help="take it from beside the key, where it was kept before")
    sweeper = commands.add_parser("sweep", help="end the holds whose deadline is over, as the sweeper does")
    sweeper.add_argument("--now", type=float, metavar="EPOCH_SECONDS")
    sums = commands.add_parser("sum-up", help="add an account's entries to its sums of usage, as every minute does")
    sums.add_argument("account")
    sums.add_argument("--mend", type=int, default=0, metavar="DAYS", help="compare the sums of so many days too")
    for changing in (create, money, limit, provider, callback):
        add_act(changing)
    catalog.add_parser(commands)
    log.add_parser(commands)
    people.add_parser(commands)
    organizations.add_parser(commands)
    paying.add_parsers(commands)
    policies.add_parser(commands)
    return line


def shown(arguments: argparse.Namespace, answer: Document) -> str:
    """The answer as text: JSON, or a page for the commands that have one where `--json` is not said."""
    page = _PAGES.get(arguments.command)
    return orjson.dumps(answer).decode() if page is None or getattr(arguments, "json", True) else page(answer)


def _credit_page(answer: Document) -> str:
    return f"credited {format_usd(answer['amount_nano'])} USD, entry {answer['id']}"


def _sweep_page(answer: Document) -> str:
    return (
        f"ended {answer['released'] + answer['charged']} overdue holds: {answer['released']} released, "
        f"{answer['charged']} charged for what was delivered; {answer['ended_before']} had ended before, "
        f"{answer['left']} are left for the next sweep"
    )


def _ledger_page(answer: Document) -> str:
    head = f"free {format_usd(answer['balance_nano'])} USD, held {format_usd(answer['held_nano'])} USD"
    holds = [f"hold   {hold['id']}  {format_usd(hold['amount_nano']):>16}" for hold in answer["holds"]]
    lines = [
        f"{entry['kind']:10} {entry['id']}  {format_usd(entry['amount_nano']):>16}  {entry.get('model_used') or ''}"
        for entry in answer["entries"]
    ]
    return "\n".join([head, *holds, *lines])


_PAGES: Mapping[str, Callable[[Document], str]] = {
    "catalog": catalog.page,
    "credit": _credit_page,
    "ledger": _ledger_page,
    "sweep": _sweep_page,
}


def stack_settings(stack: str, region: str | None) -> Settings:
    """Reads the settings of a deployed stack from its outputs, with the caller's own credentials."""
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
        providers_secret=outputs["ProvidersSecret"],
        # A stack of an earlier release has none of these.
        callbacks_secret=outputs.get("CallbacksSecret", ""),
        notices_queue_url=outputs.get("NoticesQueue", ""),
        catalog_table=outputs.get("CatalogTable", ""),
        people_table=outputs.get("PeopleTable", ""),
        health_table=outputs.get("HealthTable", ""),
        feedback_table=outputs.get("FeedbackTable", ""),
    )


def caller(region: str | None) -> str:
    """Returns the name of the credentials' owner, as AWS knows it."""
    arn: str = boto3.Session(region_name=region).client("sts").get_caller_identity()["Arn"]
    return arn


async def answered(chosen: Settings, arguments: argparse.Namespace) -> Document:
    """Runs the command on these tables and returns its answer."""
    async with operator(chosen) as services:
        return await kept(COMMANDS[arguments.command], services, arguments)


def main(words: Sequence[str]) -> int:
    """Runs one command; returns 1 if it was refused, with the reason on stderr."""
    arguments = parser().parse_args(words)
    try:
        if getattr(arguments, "by", "named") is None:
            arguments.by = caller(arguments.region)
        answer = asyncio.run(answered(stack_settings(arguments.stack, arguments.region), arguments))
    except (GatewayError, CatalogError, NotAnAmount, BotoCoreError, ClientError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(shown(arguments, answer))
    return 0
