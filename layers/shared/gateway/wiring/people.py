"""Builds what people sign in by; the functions that take sessions besides keys build the sessions alone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from gateway.ledger.money import parse_usd
from gateway.people.attempts import Attempts
from gateway.people.credentials import Credentials
from gateway.people.leaving import Leaving
from gateway.people.passwords import Passwords
from gateway.people.registration import Mode, Registrar, Terms
from gateway.people.second_factor import SecondFactor
from gateway.people.services import People
from gateway.people.sessions import Sessions
from gateway.people.signing_in import SignIn
from gateway.ports.clock import Clock
from gateway.ports.erasure import Erasures
from gateway.ports.keys import KeyStore
from gateway.ports.mail import Mail
from gateway.ports.money import Money
from gateway.ports.organizations import OrganizationStore
from gateway.ports.people import PeopleStore
from gateway.ports.provider_keys import DataKeys, ProviderKeyStore
from gateway.stores.aws.kms import KmsDataKeys
from gateway.stores.aws.ses import SesMail
from gateway.stores.keys.provider_keys import DynamoProviderKeys
from gateway.wiring.key_store import key_store
from gateway.wiring.money import money
from gateway.wiring.process import process
from gateway.wiring.sessions import erasures, organization_store, people_store

if TYPE_CHECKING:
    from gateway.organizations.roster import Roster


class Around(Struct, frozen=True):
    """The parts that people stand on beside their own store."""

    money: Money
    keys: KeyStore
    provider_keys: ProviderKeyStore
    mail: Mail
    data_keys: DataKeys
    clock: Clock
    passwords: Passwords
    organizations: OrganizationStore
    erasures: Erasures

    def roster(self) -> Roster:
        """The members of organizations, which only an end asks for."""
        from gateway.organizations.roster import Roster  # noqa: PLC0415  # no cold start pays for it

        return Roster(self.organizations, self.money, self.keys, self.clock, self.erasures)


@cache
def people() -> People:
    """People over the tables, and the mail service, that this process's settings name."""
    on, chosen = process(), process().settings
    terms = Terms(cast("Mode", chosen.registration), parse_usd(chosen.starting_credit_usd), chosen.console_url)
    around = Around(
        money=money(),
        keys=key_store(),
        provider_keys=DynamoProviderKeys(on.aws, chosen.provider_keys_table),
        mail=SesMail(on.aws, chosen.mail_identity),
        data_keys=KmsDataKeys(on.aws, chosen.provider_keys_key),
        clock=on.clock,
        passwords=Passwords(),
        organizations=organization_store(),
        erasures=erasures(),
    )
    return people_of(people_store(), around, terms)


def people_of(store: PeopleStore, on: Around, terms: Terms) -> People:
    """People over given stores."""
    attempts, sessions = Attempts(store, on.clock), Sessions(store, on.clock)
    second_factor = SecondFactor(store, on.data_keys, on.clock)
    sign_in = SignIn(store, sessions, on.passwords, second_factor, attempts)
    return People(
        store=store,
        attempts=attempts,
        sessions=sessions,
        registrar=Registrar(store, on.money, on.mail, on.passwords, attempts, on.clock, terms),
        sign_in=sign_in,
        second_factor=second_factor,
        credentials=Credentials(store, sign_in, on.passwords, on.mail, attempts, on.clock, terms.console_url),
        leaving=Leaving(store, sessions, on.keys, on.provider_keys, on.money, on.clock, on.roster, on.erasures),
    )
