"""Runs functions as Lambda does: one process per environment, one event at a time, more processes on demand.

On a managed instance a process takes as many events at a time as its function's concurrency.
"""

import asyncio
import secrets
import sys
import time
import uuid
from collections.abc import Coroutine, Mapping
from pathlib import Path

import orjson

from local.children import Children, Process
from local.forks import ForkServer
from local.invocation import FunctionFailed, Invocation, first
from local.limits import Limits
from local.resource_names import ACCOUNT_ID, REGION
from local.runtime_api import RuntimeApi
from local.s3_listing import access_key_id
from local.snapshots import Snapshot
from local.template import Function

# The time between a runtime's answer and its next /next is usually well under a millisecond.
FINISHING_S = 0.05
# The variables that a process needs from its machine. A function sees nothing else of the stack's own environment.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


class Throttled(Exception):
    """The function already runs as often as its concurrency allows."""


class EventTooLarge(Exception):
    """The event is larger than Invoke accepts."""


def new_trace_id() -> str:
    """Creates the Root of an X-Ray trace header as API Gateway does.

    Source: docs.aws.amazon.com/xray, Concepts, Tracing header.
    """
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"


class Environment:
    """One function process and its Runtime API."""

    def __init__(self, api: RuntimeApi, process: Process) -> None:
        self.api = api
        self.process = process
        self.events = 0
        self.retirement: asyncio.TimerHandle | None = None
        self.starting = True
        self.ended = False


class FunctionPool:
    """The environments of one function."""

    def __init__(
        self, function: Function, env: Mapping[str, str], children: Children, limits: Limits, logs: Path
    ) -> None:
        self._function = function
        self._children = children
        self._limits = limits
        command = [*function.command_prefix, sys.executable, "-m", "awslambdaric", function.handler]
        place = (function.task_root, logs / f"{function.name}.log", children)
        self._parent = (
            Snapshot(command, env, *place, self._new_api) if function.snap_start else ForkServer(command, env, *place)
        )
        self._idle: list[Environment] = []
        self._starting = 0
        self._living = 0
        self._finishing = 0
        self._rested = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, event: bytes, trace_id: str) -> Invocation:
        """Begins an invocation. Raises Throttled or EventTooLarge, as Lambda's Invoke does."""
        if len(event) > self._limits.event_bytes:
            raise EventTooLarge
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self._function.name}"
        invocation = Invocation(str(uuid.uuid4()), arn, trace_id, event)
        try:
            environment = self._reuse() or await self._await_finishing() or await self._await_free()
        except OSError as error:
            invocation.finish(_failure("Runtime.InvalidEntrypoint", str(error)))
            return invocation
        except FunctionFailed as failure:
            invocation.finish(failure)
            return invocation
        environment.api.submit(invocation)
        self._background(self._supervise(environment, invocation))
        return invocation

    def _reuse(self) -> Environment | None:
        """Takes the environment that was used last, so that the others become idle long enough to be retired."""
        while self._idle:
            environment = self._idle.pop()
            if environment.retirement:
                environment.retirement.cancel()
                environment.retirement = None
            if not environment.ended:
                return self._given(environment)
        return None

    def _given(self, environment: Environment) -> Environment:
        """Counts one more event of an environment, which is as good as idle while it takes others beside."""
        environment.events += 1
        if environment.events < self._function.concurrency:
            self._idle.append(environment)
        return environment

    async def _await_finishing(self) -> Environment | None:
        """Takes an environment that has answered and will soon ask for its next event: faster than a new one."""
        try:
            async with asyncio.timeout(FINISHING_S):
                while self._finishing:
                    self._rested.clear()
                    await self._rested.wait()
                    if environment := self._reuse():
                        return environment
        except TimeoutError:
            return None
        return None

    async def _await_free(self) -> Environment:
        """Starts a new environment, or waits for a free one while too many are starting or running already.

        Lambda starts an environment for each request; a laptop that did the same for a burst would be too busy to
        answer any.
        """
        try:
            async with asyncio.timeout(self._limits.queue_s):
                while self._starting >= self._limits.cold_starts or self._living >= self._limits.concurrency:
                    self._rested.clear()
                    await self._rested.wait()
                    if environment := self._reuse():
                        return environment
        except TimeoutError:
            raise Throttled from None
        return await self._spawn()

    async def _spawn(self) -> Environment:
        self._starting += 1
        self._living += 1
        try:
            return self._given(await self._start_process())
        except (OSError, FunctionFailed):
            self._starting -= 1
            self._living -= 1
            raise

    async def _start_process(self) -> Environment:
        function, api = self._function, self._new_api()
        try:
            process = await self._parent.fork({"AWS_LAMBDA_RUNTIME_API": await api.start()})
        except (OSError, FunctionFailed):
            api.process_ended(_failure("Runtime.ExitError", "it has not started"))
            raise
        self._children.list_function(process, function.family, function.name)
        environment = Environment(api, process)
        self._background(self._bury(environment))
        return environment

    def _new_api(self) -> RuntimeApi:
        return RuntimeApi(self._limits, self._function.timeout_s, access_key_id(self._function.name))

    async def _bury(self, environment: Environment) -> None:
        status = await self._children.wait(environment.process)
        message = f"Runtime exited with {'signal' if status < 0 else 'exit status'}: {abs(status)}"
        environment.ended = True
        self._living -= 1
        self._rested.set()
        environment.api.process_ended(_failure("Runtime.ExitError", message))
        if environment in self._idle:
            self._idle.remove(environment)

    async def _supervise(self, environment: Environment, invocation: Invocation) -> None:
        """Waits for the end of an invocation, then returns its environment to the idle ones, or ends it at the timeout.

        As on Lambda, an environment is free when it asks for the next event, not when it has answered.
        """
        started = time.monotonic()
        try:
            await self._see_started(environment, invocation)
            async with asyncio.timeout(self._function.timeout_s):
                await invocation.finished.wait()
                self._finishing += 1
                try:
                    await environment.api.waiting.wait()
                finally:
                    self._finishing -= 1
        except TimeoutError:
            waited_s = time.monotonic() - started
            invocation.finish(_failure("Sandbox.Timedout", f"Task timed out after {waited_s:.2f} seconds"))
            if self._function.concurrency == 1:
                self._children.kill(environment.process)
            else:
                self._rest(environment)
            return
        if environment.api.broken:
            self._children.kill(environment.process)
        elif not environment.ended:
            self._rest(environment)

    async def _see_started(self, environment: Environment, invocation: Invocation) -> None:
        """Waits until the environment has taken the event or has failed; then its start is over."""
        try:
            async with asyncio.timeout(self._limits.init_timeout_s):
                await first(invocation.dispatched, invocation.finished)
        finally:
            if environment.starting:
                environment.starting = False
                self._starting -= 1
                self._rested.set()

    def _rest(self, environment: Environment) -> None:
        """Adds an environment to the idle ones, and schedules the surplus ones for retirement."""
        environment.events -= 1
        if environment not in self._idle and not environment.ended:
            self._idle.append(environment)
        self._rested.set()
        loop = asyncio.get_running_loop()
        for surplus in self._idle[: -self._limits.idle_processes]:
            if not surplus.retirement and not surplus.events:
                surplus.retirement = loop.call_later(self._limits.idle_s, self._retire, surplus)

    def _retire(self, environment: Environment) -> None:
        if environment in self._idle and not environment.events:
            self._idle.remove(environment)
            self._background(self._children.end(environment.process))

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Functions:
    """Invokes any function of the stack by name."""

    def __init__(self, pools: Mapping[str, FunctionPool]) -> None:
        self._pools = pools

    def has(self, name: str) -> bool:
        return name in self._pools

    async def start(self, name: str, event: bytes, trace_id: str | None = None) -> Invocation:
        """Begins an invocation whose chunks the caller reads. Raises Throttled or EventTooLarge."""
        return await self._pools[name].start(event, trace_id or new_trace_id())

    async def invoke(self, name: str, event: bytes) -> bytes:
        """Returns the function's whole answer. Raises FunctionFailed, Throttled or EventTooLarge."""
        invocation = await self.start(name, event)
        return await invocation.read()


def function_environment(function: Function, machine: Mapping[str, str], services: Mapping[str, str]) -> dict[str, str]:
    """Builds the environment of a function process.

    Source: docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    task_root = str(function.task_root)
    return {
        **{name: machine[name] for name in INHERITED if name in machine},
        "AWS_ACCESS_KEY_ID": access_key_id(function.name),
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": _initialization(function),
        "AWS_LAMBDA_LOG_FORMAT": function.log_format,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        **({"AWS_LAMBDA_MAX_CONCURRENCY": str(function.concurrency)} if function.on_instances else {}),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "LAMBDA_TASK_ROOT": task_root,
        "PYTHONPATH": ":".join([task_root, *map(str, function.layers)]),
        "PYTHONUNBUFFERED": "1",
        "TZ": ":UTC",
        "_HANDLER": function.handler,
        **services,
        **function.environment,
    }


def _initialization(function: Function) -> str:
    if function.on_instances:
        return "lambda-managed-instances"
    return "snap-start" if function.snap_start else "on-demand"


def _failure(error_type: str, message: str) -> FunctionFailed:
    return FunctionFailed(error_type, orjson.dumps({"errorType": error_type, "errorMessage": message}))
