"""Builds what the control plane stands on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from gateway.idempotency.ring import Idempotency
from gateway.limits.windows import READS_RPM
from gateway.ports.clock import Clock
from gateway.ports.keys import Keys, KeyStore
from gateway.ports.money import Money
from gateway.wiring.accounts import idempotency, keys
from gateway.wiring.following import look
from gateway.wiring.key_store import key_store
from gateway.wiring.money import money
from gateway.wiring.process import process

if TYPE_CHECKING:
    # Few calls of one family need it, and it brings the chat providers.
    from gateway.accounts.mcp_servers import McpServers
    from gateway.accounts.provider_keys import ProviderKeys
    from gateway.people.sessions import Sessions
    from gateway.ports.audit import AuditLog
    from gateway.ports.organizations import OrganizationStore


def _sessions() -> Sessions:
    from gateway.wiring.sessions import sessions  # noqa: PLC0415  # calls by keys do without

    return sessions()


def _organizations() -> OrganizationStore:
    from gateway.wiring.sessions import organization_store  # noqa: PLC0415  # calls for organizations alone need it

    return organization_store()


def _audit() -> AuditLog:
    from gateway.wiring.audit import audit_log  # noqa: PLC0415  # calls that change nothing do without

    return audit_log()


def _provider_keys() -> ProviderKeys:
    from gateway.wiring.provider_keys import provider_keys  # noqa: PLC0415  # no cold start pays for it

    return provider_keys()


def _mcp_servers() -> McpServers:
    from gateway.wiring.mcp import mcp_servers  # noqa: PLC0415  # no cold start pays for it

    return mcp_servers()


class ControlServices(Struct, frozen=True):
    """The services that the control plane's routes need."""

    clock: Clock
    keys: Keys
    key_store: KeyStore
    money: Money
    idempotency: Idempotency
    own_hosts: frozenset[str] = frozenset()
    reads_rpm: int = READS_RPM
    provider_keys: Callable[[], ProviderKeys] = _provider_keys
    mcp_servers: Callable[[], McpServers] = _mcp_servers
    look: Callable[[], Awaitable[None] | None] = look
    sessions: Callable[[], Sessions] = _sessions
    organizations: Callable[[], OrganizationStore] = _organizations
    audit: Callable[[], AuditLog] = _audit


@cache
def control_services() -> ControlServices:
    """The services of this process, made once from its environment."""
    on, chosen = process(), process().settings
    return ControlServices(on.clock, keys(), key_store(), money(), idempotency(), chosen.own_hosts, chosen.reads_rpm)
