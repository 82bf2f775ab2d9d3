"""Shows an operator the deployment: who is in it, which alarms are on, which targets are not well, which jobs
are stuck. It changes nothing.

An operator is a person whose address the deployment names, and who has signed in with a second factor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.accounts.pages import iso_utc
from gateway.accounts.statement import balance_view
from gateway.canonical.jobs import Job
from gateway.errors import PermissionDenied, ServiceUnavailable
from gateway.people.sessions import Sessions
from gateway.ports.alarms import Alarm, Alarms
from gateway.ports.clock import Clock
from gateway.ports.directory import Directory
from gateway.ports.health import HealthStore, SharedStanding
from gateway.ports.jobs import Jobs
from gateway.ports.money import Money
from gateway.ports.people import User

PEOPLE_MAX, JOBS_MAX = 100, 100
# The reconciler begins a lost job anew within minutes; one that is due for longer is stuck.
STUCK_S = 600
OK = "ok"
NO_OPERATOR = "This page is for operators, with a second factor: the deployment's parameter Operators names them."


class Overseer(Struct, frozen=True):
    """The stores that are looked at, and the addresses of operators."""

    sessions: Sessions
    directory: Directory
    money: Money
    health: HealthStore
    jobs: Jobs
    alarms: Alarms
    clock: Clock
    operators: frozenset[str]

    async def view(self, access_token: str) -> dict[str, Any]:
        """Shows the deployment to the operator whose session it is; raises the refusal of any other person."""
        user = (await self.sessions.find(access_token)).user
        if user.email not in self.operators or user.totp is None:
            raise PermissionDenied(NO_OPERATOR, code="not_an_operator")
        now_s = self.clock.now_s()
        people = [one async for one in self.directory.people()]
        people.sort(key=lambda one: (one.created_at_s, one.user_id), reverse=True)
        standings = await self.health.read(now_s)
        # The store has paces beside targets: how soon an answer usually begins, of a target that is well.
        targets = {name: one for name, one in standings.items() if one.late_s is None}
        return {
            "object": "deployment",
            "people": len(people),
            "accounts": await asyncio.gather(*(self._account(one, now_s) for one in people[:PEOPLE_MAX])),
            "alarms": await self._alarms(),
            "targets": [_target(name, targets[name], now_s) for name in sorted(targets)],
            "stuck_jobs": await self._stuck(now_s - STUCK_S),
        }

    async def _account(self, user: User, now_s: float) -> dict[str, Any]:
        """A person with its account's money."""
        state = await self.money.state(user.account_id, "", 0, now_s)
        return {
            "user_id": user.user_id,
            "account_id": user.account_id,
            "email": user.email,
            "created_at": iso_utc(user.created_at_s),
            "disabled": user.disabled,
            "two_factor_enabled": user.totp is not None,
            "balance": None if state is None else balance_view(state),
        }

    async def _alarms(self) -> dict[str, Any] | None:
        """Counts the alarms, and lists those that are not well; None where they cannot be read: the rest is shown."""
        try:
            found = await self.alarms.read()
        except ServiceUnavailable:
            return None
        not_ok = [one for one in found if one.state != OK]
        not_ok.sort(key=lambda one: (one.state, one.name))
        return {"total": len(found), "not_ok": [_alarm(one) for one in not_ok]}

    async def _stuck(self, before_s: float) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        async for job in self.jobs.due(before_s):
            found.append(_job(job))
            if len(found) == JOBS_MAX:
                break
        return found


def _target(name: str, standing: SharedStanding, now_s: float) -> dict[str, Any]:
    """A target that is not well, or was not a while ago, with the credential that it was asked by."""
    provider, credential, model = name.split("|", 2)
    until_s = max(standing.until_s, standing.left_until_s)
    return {
        "provider": provider,
        "credential": credential or None,
        "model": model or None,
        "resting": until_s > now_s,
        "until": iso_utc(int(until_s)),
        "in_a_row": standing.openings,
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "name": alarm.name,
        "state": alarm.state,
        "since": iso_utc(alarm.since_s),
        "description": alarm.description,
    }


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": job.job_id,
        "account_id": job.account_id,
        "kind": job.kind.value,
        "model": job.model,
        "status": job.status.value,
        "due_at": iso_utc(int(job.due_s)),
        "created_at": iso_utc(job.created_at_s),
    }
