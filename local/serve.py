"""Starts the stack (`python -m local`) and prints one JSON line or one page once it serves.

Logs go to standard error.
"""

import argparse
import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable
from functools import partial

import orjson

from gateway.catalog.schema import CatalogError
from gateway.wiring.catalogs import check_catalogs
from local.http_server import bind
from local.intrinsics import UnresolvedReference
from local.limits import AWS_LIMITS
from local.mail import tell
from local.provider_rows import SimulatorFailed
from local.stack import CannotStart, LocalStack, Options, Running
from local.template import TemplateError

CANNOT_START = (
    CannotStart,
    SimulatorFailed,
    TemplateError,
    UnresolvedReference,
)


# Where the template's own defaults would leave a part of the stack asleep.
PARAMETERS = {"LearnedRoutes": "true", "MailIdentity": "nexgate.test", "Registration": "open", "WebSearch": "brave"}


def run(arguments: argparse.Namespace) -> int:
    """Serves until a signal and returns the exit status."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # The translator's log is about its own features and metrics, never about the template.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    try:
        check_catalogs()
        listener = bind(arguments.port)
    except CatalogError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"port {arguments.port} of 127.0.0.1 cannot be used: {error.strerror}")
    except OverflowError:
        return _refuse(f"port {arguments.port} is none: a port is 0 to 65535")
    announce = _announce_json if arguments.json else _announce_page
    try:
        return asyncio.run(_serve(options_of(arguments, listener), announce, letters=not arguments.json))
    except CANNOT_START as error:
        return _refuse(str(error))


def options_of(arguments: argparse.Namespace, listener: socket.socket) -> Options:
    """Builds the options of a stack that serves on `listener`."""
    console = {"ConsoleUrl": _console_url(listener)}
    return Options(
        template=arguments.template.resolve(),
        data=arguments.data.resolve(),
        listener=listener,
        environment=dict(os.environ),
        limits=AWS_LIMITS,
        balance_usd=arguments.first_balance,
        own_hosts=tuple(arguments.own_host),
        parameters={**PARAMETERS, **console, **dict(arguments.parameter)},
        late=frozenset(console),
    )


def _console_url(listener: socket.socket) -> str:
    """The address that letters and the payment page lead to; only the port that was bound tells it."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}/console"


async def _serve(options: Options, announce: Callable[[Running], None], *, letters: bool) -> int:
    """Serves; a person sees the links of letters where the stack was started, and need not ask for them."""
    telling = asyncio.create_task(tell(options.data, partial(print, flush=True))) if letters else None
    try:
        return await LocalStack(options).serve(announce)
    finally:
        if telling is not None:
            telling.cancel()


def _announce_json(running: Running) -> None:
    print(orjson.dumps(running.document()).decode(), flush=True)


# README has the same line.
CURL = (
    'curl {root_url}/v1/chat/completions -H "Authorization: Bearer {key}" -H "Content-Type: application/json" '
    """-d '{{"model": "nexevo/balanced", "messages": [{{"role": "user", "content": "Hello!"}}]}}'"""
)
# The variables that the documents' code reads.
VARIABLES = (
    "export NEXEVO_API_KEY={key} NEXEVO_BASE_URL={root_url}/v1 NEXEVO_ROOT_URL={root_url} "
    "NEXEVO_REALTIME_URL={realtime_url}/v1"
)


def _announce_page(running: Running) -> None:
    states = ", ".join(f"{row} ({state})" for row, state in running.providers.items())
    told = {"root_url": running.root_url, "realtime_url": running.realtime_url, "key": running.key.api_key}
    curl, variables = (line.format(**told) for line in (CURL, VARIABLES))
    print(f"root URL   {running.root_url}")
    print(f"documents  {running.root_url}/docs")
    print(f"console    {running.root_url}/console")
    print(f"realtime   {running.realtime_url}")
    print(f"account    {running.key.account_id}")
    print(f"API key    {running.key.api_key}")
    print(f"providers  {states}")
    print(f"\n{curl}\n\n{variables}\n\nCtrl-C ends it.", flush=True)


def _refuse(message: str) -> int:
    print(f"python -m local: {message}", file=sys.stderr)
    return 1
