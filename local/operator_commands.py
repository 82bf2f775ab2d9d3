"""Runs the operator's commands on the tables of a local stack.

The code is that of `gateway.admin`; only the addresses of the tables come from the data directory. A command uses the
database of a running stack. If no stack runs, it starts the database for its own duration.
"""

import argparse
import asyncio
import fcntl
import getpass
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import orjson

from gateway.admin import commands
from gateway.admin.accounts import Document
from gateway.catalog.schema import CatalogError
from gateway.errors import GatewayError
from gateway.ledger.money import NotAnAmount
from gateway.wiring.settings import from_environment
from local import aws_services, template
from local.aws_services import Services
from local.children import Children
from local.functions import INHERITED
from local.processes import REGISTER
from local.resource_names import ResourceNames

# The file with the addresses of the stack's tables and other parts. Every start of the stack writes it.
ENVIRONMENT = "environment.json"
NOTICES = "NOTICES_QUEUE_URL"
DYNAMODB = "AWS_ENDPOINT_URL_DYNAMODB"


class NoStack(Exception):
    """The directory has never held a stack. The message is for the operator."""


def save_environment(data: Path, environment: Mapping[str, str]) -> None:
    """Stores the addresses that later commands need to find the stack's parts."""
    (data / ENVIRONMENT).write_bytes(orjson.dumps(dict(environment)))


def run(arguments: argparse.Namespace) -> int:
    """Runs one command. Returns 1 if it was refused, after printing the reason to standard error."""
    command = _as_deployed(arguments) if hasattr(arguments, "words") else arguments
    if getattr(command, "by", "named") is None:
        command.by = getpass.getuser()
    try:
        answer = asyncio.run(_execute(arguments, command))
    except (GatewayError, CatalogError, NotAnAmount, NoStack) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(commands.shown(command, answer))
    return 0


def _as_deployed(arguments: argparse.Namespace) -> argparse.Namespace:
    """Reads a command whose words are those that a deployed stack's operator types."""
    command = commands.parser().parse_args(["--stack", "local", arguments.command, *arguments.words])
    command.json = arguments.json
    return command


async def _execute(arguments: argparse.Namespace, command: argparse.Namespace) -> Document:
    async with _table_environment(arguments.data.resolve(), arguments.template.resolve()) as environment:
        return await commands.answered(from_environment(environment), command)


@asynccontextmanager
async def _table_environment(data: Path, deployed: Path) -> AsyncIterator[Mapping[str, str]]:
    """Yields an environment from which the tables can be reached."""
    environment = _saved_environment(data)
    with _lock_if_idle(data) as locked:
        if not locked:
            yield environment
            return
        async with _database(data, deployed) as endpoint:
            # No queue answers, and none would be read: an owner is told by the next end that the stack sees.
            yield {name: environment[name] for name in environment if name != NOTICES} | {DYNAMODB: endpoint}


def running_environment(data: Path) -> Mapping[str, str]:
    """Returns an environment with the addresses of all parts of the running stack. Raises `NoStack` if none runs."""
    environment = _saved_environment(data)
    with _lock_if_idle(data) as locked:
        if locked:
            raise NoStack(f"no stack runs on {data}")
    return environment


def _saved_environment(data: Path) -> dict[str, str]:
    file = data / ENVIRONMENT
    if not file.is_file():
        raise NoStack(f"no stack has run on {data}")
    environment: dict[str, str] = orjson.loads(file.read_bytes())
    return environment


@contextmanager
def _lock_if_idle(data: Path) -> Iterator[bool]:
    """Yields True if no stack runs on the directory; then the directory is locked for the length of the block."""
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@asynccontextmanager
async def _database(data: Path, deployed: Path) -> AsyncIterator[str]:
    """Starts the stack's database without the stack. With moto, the tables must be created again first."""
    children = Children(data / REGISTER)
    env = {name: os.environ[name] for name in INHERITED if name in os.environ}
    await children.start()
    try:
        endpoint = await aws_services.start_dynamodb(children, data, env)
        if endpoint is None:
            endpoint = await aws_services.start_moto(children, data, env)
            stack = template.resolve(template.translate(deployed), deployed.parent, ResourceNames(endpoint))
            await asyncio.to_thread(aws_services.provision, Services(endpoint, endpoint), stack)
        yield endpoint
    finally:
        await children.end_all()
