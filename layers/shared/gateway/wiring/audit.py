"""Builds the audit log."""

from __future__ import annotations

from functools import cache

from gateway.stores.audit import DynamoAudit
from gateway.wiring.process import Process, process


@cache
def audit_log() -> DynamoAudit:
    """The audit log beside this process's ledger."""
    return audit_log_of(process())


def audit_log_of(on: Process) -> DynamoAudit:
    """The audit log in the tables that a process's settings name."""
    return DynamoAudit(on.aws, on.settings.ledger_table)
