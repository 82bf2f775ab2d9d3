"""`python -m local credit | ledger | sweep`: the operator's commands on a stack's own tables.

The code is `gateway.admin`'s; only where the tables are is told from the data directory. A stack that runs is asked
through its own database, else the database is started for the length of the command.
"""

import argparse
import asyncio
import fcntl
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import orjson

from gateway import admin
from gateway.errors import GatewayError
from gateway.ledger.money import NotAnAmount
from gateway.operations import Document
from gateway.settings import from_environment
from local import aws_services, template
from local.aws_services import Services
from local.children import Children
from local.functions import INHERITED
from local.processes import REGISTER
from local.resource_names import ResourceNames

# How a function of the stack finds its tables and whatever else it uses: written at every start of the stack.
ENVIRONMENT = "environment.json"
DYNAMODB = "AWS_ENDPOINT_URL_DYNAMODB"


class NoStack(Exception):
    """The directory has never held a stack; the message is for the person who asked."""


def remember(data: Path, environment: Mapping[str, str]) -> None:
    """Keeps what a later command needs to find the stack's parts."""
    (data / ENVIRONMENT).write_bytes(orjson.dumps(dict(environment)))


def run(arguments: argparse.Namespace) -> int:
    """Runs one command; 1 where it was refused, with the reason on standard error."""
    try:
        answer = asyncio.run(_answered(arguments))
    except (GatewayError, NotAnAmount, NoStack) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(admin.shown(arguments, answer))
    return 0


async def _answered(arguments: argparse.Namespace) -> Document:
    async with _tables(arguments.data.resolve(), arguments.template.resolve()) as environment:
        return await admin.answered(from_environment(environment), arguments)


@asynccontextmanager
async def _tables(data: Path, deployed: Path) -> AsyncIterator[Mapping[str, str]]:
    """The environment of somebody who can reach the tables."""
    environment = _remembered(data)
    with _standing_in(data) as stands_in:
        if not stands_in:
            yield environment
            return
        async with _database(data, deployed) as endpoint:
            yield environment | {DYNAMODB: endpoint}


def of_running(data: Path) -> Mapping[str, str]:
    """The environment of somebody who can reach every part of a stack; raises `NoStack` where none runs."""
    environment = _remembered(data)
    with _standing_in(data) as stands_in:
        if stands_in:
            raise NoStack(f"no stack runs on {data}")
    return environment


def _remembered(data: Path) -> dict[str, str]:
    file = data / ENVIRONMENT
    if not file.is_file():
        raise NoStack(f"no stack has run on {data}")
    environment: dict[str, str] = orjson.loads(file.read_bytes())
    return environment


@contextmanager
def _standing_in(data: Path) -> Iterator[bool]:
    """Whether the directory is this process's for the length of the block, since no stack runs on it."""
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@asynccontextmanager
async def _database(data: Path, deployed: Path) -> AsyncIterator[str]:
    """The stack's database without the stack; moto's has its tables only once they are made again."""
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
