"""Shows the audit log of an account, or of the deployment."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.admin.accounts import Document
from gateway.admin.acts import DEPLOYMENT
from gateway.admin.lines import add_limit
from gateway.audit.entries import entry_view
from gateway.wiring.operator import Operator


async def run(services: Operator, arguments: argparse.Namespace) -> Document:
    """Lists entries, the newest first; `next` goes on from there by `--cursor`."""
    page = await services.audit.page(
        arguments.account, limit=arguments.limit, cursor=arguments.cursor, action=arguments.action
    )
    return {"entries": [entry_view(entry) for entry in page.entries], "next": page.next_cursor}


def add_parser(commands: Any) -> None:
    """Adds the command's line."""
    log = commands.add_parser("audit", help="the audit log of an account, or of the deployment")
    log.add_argument("account", nargs="?", default=DEPLOYMENT)
    log.add_argument("--action", help="one action, or a family of them such as operator")
    add_limit(log)
    log.add_argument("--cursor")
