"""Starts the parts of the local stack, in parallel where possible, and ends all of them."""

import asyncio
import fcntl
import logging
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from local import accounts, aws_services, operator_commands, provider_rows, s3_listing, stripe_account, template
from local.accounts import FirstKey
from local.aws_services import Services
from local.children import Children
from local.functions import INHERITED, FunctionPool, Functions, function_environment
from local.gateway import Gateway
from local.http_server import HttpServer, bind
from local.lambda_api import LambdaApi
from local.limits import Limits
from local.private_path import private_path
from local.processes import REGISTER
from local.provider_rows import ProviderRows
from local.queues import SessionQueues, SqsApi
from local.resource_names import ResourceNames
from local.s3_listing import listers
from local.stripe_account import StripeAccount
from local.template import Stack
from local.triggers import Triggers
from local.websocket_gateway import ManagementApi, WebSocketGateway

log = logging.getLogger(__name__)
# A file, where the environment names one, in which the functions write down their AWS calls.
CALLS_LOG = "AWS_CALLS_LOG"


class CannotStart(Exception):
    """The stack cannot run. The message is for the operator."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one stack. `environment` is the stack's own; functions see almost nothing of it."""

    template: Path
    data: Path
    listener: socket.socket
    environment: Mapping[str, str]
    limits: Limits
    balance_usd: Decimal
    own_hosts: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    # Parameters whose values differ from start to start.
    late: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Running:
    """The addresses and the key of a stack that serves."""

    root_url: str
    key: FirstKey
    services: Services
    providers: Mapping[str, str]
    realtime_url: str

    def document(self) -> dict[str, Any]:
        """Builds the one JSON line. Tools outside the project read it."""
        return {
            "root_url": self.root_url,
            "base_url": f"{self.root_url}/v1",
            "realtime_url": self.realtime_url,
            "api_key": self.key.api_key,
            "account_id": self.key.account_id,
            "dynamodb_endpoint": self.services.dynamodb,
            "s3_endpoint": self.services.moto,
            "providers": dict(self.providers),
        }


Announce = Callable[[Running], None]


class Apis:
    """The AWS APIs that the stack serves by itself, all below one private path."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.queues = SessionQueues()
        self.invoke = LambdaApi(path)
        self.sqs = SqsApi(path, self.queues)
        self.connections = ManagementApi(path)

    @property
    def all(self) -> tuple[LambdaApi, SqsApi, ManagementApi]:
        return self.invoke, self.sqs, self.connections


class LocalStack:
    """One stack. `serve` runs it until a signal, or until a part that it needs ends."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._stop = asyncio.Event()

    async def serve(self, announce: Announce) -> int:
        """Calls `announce` once everything serves, and returns the exit status. Raises CannotStart."""
        data = self._options.data
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The directory holds keys; one that is older than this rule is closed too.
        data.chmod(0o700)
        (data / "logs").mkdir(exist_ok=True)
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
            apis = Apis(private_path())
            lambda_url, sqs_url, connections_url = [await _served(each, apis.path, ending) for each in apis.all]
            ending.push_async_callback(apis.sqs.close)
            services, simulated, stack = await self._start_services(children, lambda_url)
            apis.sqs.moto = services.moto
            services = replace(services, sqs=sqs_url, connections=connections_url)
            return await self._run_on(services, simulated, stack, children, apis, announce)

    async def _run_on(
        self,
        services: Services,
        simulated: Mapping[str, dict[str, str]],
        stack: Stack,
        children: Children,
        apis: "Apis",
        announce: Announce,
    ) -> int:
        for resource in stack.not_emulated:
            log.warning("not emulated: %s", resource)
        rows = provider_rows.choose(simulated, self._options.environment)
        stripe = stripe_account.choose(simulated, self._options.environment)
        key = accounts.first_key(self._options.data)
        try:
            await asyncio.to_thread(_fill, services, stack, rows, stripe)
            listing = listers(stack.functions.values(), stack.resources["AWS::S3::Bucket"])
            (self._options.data / s3_listing.FILE).write_bytes(orjson.dumps(listing))
        except (BotoCoreError, ClientError) as error:
            raise CannotStart(f"a local AWS service refused a set-up call: {error}") from error
        port = self._options.listener.getsockname()[1]
        root_url = f"http://127.0.0.1:{port}"
        around = {
            **services.environment(),
            "PUBLIC_URL": root_url,
            "STRIPE_API_BASE": stripe.api_base,
            "SIMULATED_PROVIDERS": ",".join(rows.simulated),
            "PROVIDER_URLS": ",".join(f"{name}={url}" for name, url in rows.urls().items()),
            "OWN_HOSTS": ",".join(self._options.own_hosts),
            "OWN_MEDIA_HOSTS": ",".join(_own_media_hosts(services, rows)),
        }
        if CALLS_LOG in self._options.environment:
            around[CALLS_LOG] = self._options.environment[CALLS_LOG]
        environments = {
            name: function_environment(function, self._options.environment, around)
            for name, function in stack.functions.items()
        }
        await _open_account(environments, key, self._options)
        functions = apis.invoke.functions = self._functions(children, stack, environments)
        async with AsyncExitStack() as ending:
            triggers = Triggers(stack, services, functions)
            ending.callback(triggers.end)
            server = HttpServer(Gateway(stack.api, functions, self._options.limits))
            await _serve(server, self._options.listener, ending)
            realtime_url = await self._serve_sockets(stack, functions, apis, ending)
            announce(Running(root_url, key, services, rows.states(), realtime_url))
            return await self._until_over(children)

    async def _serve_sockets(self, stack: Stack, functions: Functions, apis: "Apis", ending: AsyncExitStack) -> str:
        """Serves the WebSocket API, and returns its address; empty where the template has none."""
        if stack.sockets is None:
            return ""
        listener = bind(0)
        sockets = WebSocketGateway(stack.sockets, functions, apis.queues, self._options.limits)
        apis.connections.gateway = sockets
        await sockets.start(listener)
        ending.push_async_callback(sockets.close)
        return f"ws://127.0.0.1:{listener.getsockname()[1]}"

    async def _start_services(
        self, children: Children, lambda_url: str
    ) -> tuple[Services, dict[str, dict[str, str]], Stack]:
        """Starts the slow parts in parallel: three processes, and the translation of the template."""
        options = self._options
        env = {name: options.environment[name] for name in INHERITED if name in options.environment}
        events_url = f"http://127.0.0.1:{options.listener.getsockname()[1]}/v1/billing/webhook"
        moto, dynamodb, simulated, translated = await asyncio.gather(
            aws_services.start_moto(children, options.data, env, lambda_url),
            aws_services.start_dynamodb(children, options.data, env),
            provider_rows.start_simulator(children, options.data, env, events_url),
            asyncio.to_thread(template.translate, options.template, options.parameters, options.late),
        )
        stack = template.resolve(translated, options.template.parent, ResourceNames(moto), options.parameters)
        return Services(dynamodb or moto, moto, lambda_url), simulated, stack

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
    """Locks the data directory, because two stacks would overwrite one another's state."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CannotStart(f"another stack runs on {data}") from error


def _fill(services: Services, stack: Stack, rows: ProviderRows, stripe: StripeAccount) -> None:
    """Creates the tables, buckets and queues, and stores the secrets and who may send letters."""
    aws_services.provision(services, stack)
    for identity in _values_in_functions(stack, "MAIL_IDENTITY") - {""}:
        aws_services.verify_sender(services, identity)
    values = (
        ("PROVIDERS_SECRET", rows.secret()),
        ("CALLBACKS_SECRET", rows.callbacks_secret()),
        ("BILLING_SECRET", stripe.secret()),
    )
    for variable, value in values:
        for secret in _values_in_functions(stack, variable):
            # If CloudFormation chooses the secret's name, the functions know the secret by its ARN.
            aws_services.put_secret(services, secret.rpartition(":secret:")[2], value)


async def _open_account(environments: Mapping[str, Mapping[str, str]], key: FirstKey, options: Options) -> None:
    """Opens the stack's account in the money tables, if the template has a function that knows them."""
    # The operator needs no values that differ between functions, such as a function's name.
    merged = {name: value for environment in environments.values() for name, value in environment.items()}
    merged.pop(CALLS_LOG, None)
    if {"ACCOUNTS_TABLE", "LEDGER_TABLE", "KEYS_TABLE"} <= merged.keys():
        operator_commands.save_environment(options.data, merged)
        await accounts.open_account(merged, key, options.balance_usd)


def _own_media_hosts(services: Services, rows: ProviderRows) -> set[str]:
    """Lists where this stack's own media are: S3's path, and the simulators' hosts. On AWS all of these are public."""
    s3 = urlsplit(services.moto)
    simulators = {urlsplit(row["base_url"]).netloc for row in rows.simulated.values() if "base_url" in row}
    return {f"{s3.netloc}{s3.path}/", *simulators}


def _values_in_functions(stack: Stack, variable: str) -> set[str]:
    """Collects the values that the template gives a variable in its functions' environments, usually one."""
    return {function.environment[variable] for function in stack.functions.values() if variable in function.environment}


async def _served(app: LambdaApi | SqsApi | ManagementApi, path: str, ending: AsyncExitStack) -> str:
    """Serves one of the stack's APIs until `ending`, and returns its address."""
    listener = bind(0)
    await _serve(HttpServer(app), listener, ending)
    return f"http://127.0.0.1:{listener.getsockname()[1]}{path}"


async def _serve(server: HttpServer, listener: socket.socket, ending: AsyncExitStack) -> None:
    """Serves on the socket until `ending`."""
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    ending.push_async_callback(_end_server, server, serving)
    await server.ready.wait()


async def _end_server(server: HttpServer, serving: "asyncio.Future[None]") -> None:
    server.should_exit = True
    await serving
