"""Starts the parts of the local stack in an order that waits for nothing twice, and ends all of them again."""

import asyncio
import fcntl
import logging
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from local import accounts, aws_services, books, provider_rows, template
from local.accounts import FirstKey
from local.aws_services import Services
from local.children import Children
from local.front import Front, bind
from local.functions import INHERITED, FunctionPool, Functions, function_environment
from local.gateway import Gateway
from local.lambda_api import LambdaApi
from local.limits import Limits
from local.processes import REGISTER
from local.provider_rows import ProviderRows
from local.resource_names import ResourceNames
from local.template import Stack
from local.triggers import Triggers

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The stack cannot run; the message is for the person who started it."""


@dataclass(frozen=True, slots=True)
class Options:
    """How one stack was asked for; `environment` is its own, of which functions see almost nothing."""

    template: Path
    data: Path
    listener: socket.socket
    environment: Mapping[str, str]
    limits: Limits
    balance_usd: Decimal
    own_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Running:
    """What a stack that serves has to tell."""

    root_url: str
    key: FirstKey
    services: Services
    providers: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """The one JSON line; tools outside the project read it."""
        return {
            "root_url": self.root_url,
            "base_url": f"{self.root_url}/v1",
            "api_key": self.key.api_key,
            "account_id": self.key.account_id,
            "dynamodb_endpoint": self.services.dynamodb,
            "s3_endpoint": self.services.moto,
            "providers": dict(self.providers),
        }


Announce = Callable[[Running], None]


class LocalStack:
    """One stack; `serve` runs it until a signal, or until a part it needs is gone."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._stop = asyncio.Event()

    async def serve(self, announce: Announce) -> int:
        """Calls `announce` once everything serves; the exit status. Raises CannotStart."""
        data = self._options.data
        (data / "logs").mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        with (data / "lock").open("w") as lock:
            _claim(lock.fileno(), data)
            children = Children(data / REGISTER)
            await children.start()
            try:
                return await self._run(children, announce)
            finally:
                await children.end_all()

    async def _run(self, children: Children, announce: Announce) -> int:
        async with AsyncExitStack() as ending:
            lambda_api, listener = LambdaApi(), bind(0)
            await _serve(Front(lambda_api), listener, ending)
            lambda_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            services, simulated, stack = await self._start_services(children, lambda_url)
            return await self._run_on(services, simulated, stack, children, lambda_api, announce)

    async def _run_on(
        self,
        services: Services,
        simulated: Mapping[str, dict[str, str]],
        stack: Stack,
        children: Children,
        lambda_api: LambdaApi,
        announce: Announce,
    ) -> int:
        for resource in stack.not_emulated:
            log.warning("not emulated: %s", resource)
        rows = provider_rows.choose(simulated, self._options.environment)
        key = accounts.first_key(self._options.data)
        try:
            await asyncio.to_thread(_fill, services, stack, rows)
        except (BotoCoreError, ClientError) as error:
            raise CannotStart(f"a service does not answer as it should: {error}") from error
        port = self._options.listener.getsockname()[1]
        root_url = f"http://127.0.0.1:{port}"
        around = {
            **services.environment(),
            "PUBLIC_URL": root_url,
            "SIMULATED_PROVIDERS": ",".join(rows.simulated),
            "OWN_HOSTS": ",".join([*_own_hosts(services, rows), f"127.0.0.1:{port}", *self._options.own_hosts]),
        }
        environments = {
            name: function_environment(function, self._options.environment, around)
            for name, function in stack.functions.items()
        }
        await _open_account(environments, key, self._options)
        functions = lambda_api.functions = self._functions(children, stack, environments)
        async with AsyncExitStack() as ending:
            triggers = Triggers(stack, services, functions)
            ending.callback(triggers.end)
            front = Front(Gateway(stack.api, functions, self._options.limits))
            await _serve(front, self._options.listener, ending)
            announce(Running(root_url, key, services, rows.states()))
            return await self._until_over(children)

    async def _start_services(
        self, children: Children, lambda_url: str
    ) -> tuple[Services, dict[str, dict[str, str]], Stack]:
        """Everything slow at once: three processes, and the translation of the template."""
        options = self._options
        env = {name: options.environment[name] for name in INHERITED if name in options.environment}
        moto, dynamodb, simulated, translated = await asyncio.gather(
            aws_services.start_moto(children, options.data, env, lambda_url),
            aws_services.start_dynamodb(children, options.data, env),
            provider_rows.start_simulator(children, options.data, env),
            asyncio.to_thread(template.translate, options.template),
        )
        stack = template.resolve(translated, options.template.parent, ResourceNames(moto))
        return Services(dynamodb or moto, moto), simulated, stack

    def _functions(self, children: Children, stack: Stack, environments: Mapping[str, Mapping[str, str]]) -> Functions:
        limits, logs = self._options.limits, self._options.data / "logs"
        return Functions(
            {
                name: FunctionPool(function, environments[name], children, limits, logs)
                for name, function in stack.functions.items()
            }
        )

    async def _until_over(self, children: Children) -> int:
        children.lost.add_done_callback(lambda _lost: self._stop.set())
        await self._stop.wait()
        if not children.lost.done():
            return 0
        log.error("%s; the stack ends", children.lost.result())
        return 1


def _claim(lock: int, data: Path) -> None:
    """One stack per data directory: two would overwrite one another's state."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CannotStart(f"another stack runs on {data}") from error


def _fill(services: Services, stack: Stack, rows: ProviderRows) -> None:
    """Tables, buckets and queues, and the providers' secret."""
    aws_services.provision(services, stack)
    for name in _named_by_functions(stack, "PROVIDERS_SECRET"):
        aws_services.put_secret(services, name, rows.secret())


async def _open_account(environments: Mapping[str, Mapping[str, str]], key: FirstKey, options: Options) -> None:
    """Opens the stack's account through the tables of money, where a function of the template knows them."""
    # What differs from one function to the next, such as its name, no operator asks for.
    together = {name: value for environment in environments.values() for name, value in environment.items()}
    if {"ACCOUNTS_TABLE", "LEDGER_TABLE", "KEYS_TABLE"} <= together.keys():
        books.remember(options.data, together)
        await accounts.open_account(together, key, options.balance_usd)


def _own_hosts(services: Services, rows: ProviderRows) -> set[str]:
    """Where this stack's own media are: in AWS all of these are public."""
    addresses = [services.moto, *(row["base_url"] for row in rows.simulated.values() if "base_url" in row)]
    return {urlsplit(address).netloc for address in addresses}


def _named_by_functions(stack: Stack, variable: str) -> set[str]:
    """The values that the template gives a variable in its functions' environments: one, as a rule."""
    return {function.environment[variable] for function in stack.functions.values() if variable in function.environment}


async def _serve(front: Front, listener: socket.socket, ending: AsyncExitStack) -> None:
    """Has the front serve on the socket, until `ending`."""
    serving = asyncio.ensure_future(front.serve(sockets=[listener]))
    ending.push_async_callback(_end_front, front, serving)
    await front.ready.wait()


async def _end_front(front: Front, serving: "asyncio.Future[None]") -> None:
    front.should_exit = True
    await serving
