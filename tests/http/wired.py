"""People and organizations over memory stores and a studio's, and the control plane's families wired to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from functions.files.app import app as files_app
from gateway.conversations.kept import Conversations
from gateway.http.json_app import JsonApp
from gateway.organizations.inviting import Inviting
from gateway.people.registration import Terms
from gateway.wiring.organizations import Organizations
from gateway.wiring.people import Around, people_of
from tests.billing.harness import paying_over
from tests.fakes.audit import MemoryAudit
from tests.fakes.erasure import MemoryErasures
from tests.fakes.organizations import MemoryOrganizations
from tests.fakes.people import MemoryPeople, Outbox
from tests.fakes.provider_keys import MemoryDataKeys
from tests.fakes.webhooks import MemoryWebhookRecords
from tests.generation.studio import Studio
from tests.http.endpoints import endpoints
from tests.money.simulation.dynamodb import SimulatedDynamoDb
from tests.people.harness import CountedPasswords


@dataclass
class Society:
    """People and organizations at a studio. `control` are the services of its control plane, which know both."""

    studio: Studio
    store: MemoryPeople = field(default_factory=MemoryPeople)

    def __post_init__(self) -> None:
        on, self.mail, self.audit = self.studio, Outbox(), MemoryAudit()
        self.roles = MemoryOrganizations(self.store)
        control = files_app._services()
        around = Around(
            money=on.money,
            keys=on.keys,
            provider_keys=control.provider_keys().store,
            mail=self.mail,
            data_keys=MemoryDataKeys(),
            clock=on.clock,
            passwords=CountedPasswords(),
            organizations=self.roles,
            erasures=MemoryErasures(),
        )
        self.people = people_of(self.store, around, Terms("open"))
        inviting = Inviting(around.roster(), self.mail, self.people.attempts, on.clock, "")
        self.organizations = Organizations(self.store, around.roster(), inviting)
        self.control = replace(
            control,
            sessions=lambda: self.people.sessions,
            audit=lambda: self.audit,
            organizations=lambda: self.roles,
        )


def wire_people(patch: pytest.MonkeyPatch, studio: Studio, kept: Conversations) -> Society:
    """Has every family of the control plane use the studio's stores, these conversations, and people beside them."""
    made, webhooks = Society(studio), MemoryWebhookRecords()
    pays = paying_over(SimulatedDynamoDb(), studio.clock)
    for endpoint in endpoints():
        if isinstance(endpoint.app, JsonApp):
            patch.setattr(endpoint.app, "_services", lambda: made.control)
    patch.setattr("functions.webhooks.app.webhook_records", lambda: webhooks)
    patch.setattr("gateway.http.organizations.organizations", lambda: made.organizations)
    patch.setattr("gateway.http.conversations.conversations", lambda: kept)
    patch.setattr("gateway.http.paying.paying", lambda: pays)
    for module in ("signing_in", "own_account"):
        patch.setattr(f"gateway.http.{module}.people", lambda: made.people)
    return made
