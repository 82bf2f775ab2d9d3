"""Builds organizations: over the table of people, the keys, the money and the mail service."""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from gateway.organizations.inviting import Inviting
from gateway.organizations.roster import Roster
from gateway.people.attempts import Attempts
from gateway.ports.people import PeopleStore
from gateway.stores.aws.ses import SesMail
from gateway.wiring.key_store import key_store
from gateway.wiring.money import money
from gateway.wiring.process import process
from gateway.wiring.sessions import erasures, organization_store, people_store


class Organizations(Struct, frozen=True):
    """The services by which organizations are managed."""

    people: PeopleStore
    roster: Roster
    inviting: Inviting


@cache
def organizations() -> Organizations:
    """Organizations over what this process's settings name."""
    on, chosen = process(), process().settings
    roster = Roster(organization_store(), money(), key_store(), on.clock, erasures())
    attempts, mail = Attempts(people_store(), on.clock), SesMail(on.aws, chosen.mail_identity)
    return Organizations(people_store(), roster, Inviting(roster, mail, attempts, on.clock, chosen.console_url))
