"""Builds what people sign in by; the functions that take sessions besides keys build the sessions alone."""

from __future__ import annotations

from functools import cache
from typing import cast

from gateway.ledger.money import parse_usd
from gateway.people.attempts import Attempts
from gateway.people.credentials import Credentials
from gateway.people.passwords import Passwords
from gateway.people.registration import Mode, Registrar, Terms
from gateway.people.second_factor import SecondFactor
from gateway.people.services import People
from gateway.people.sessions import Sessions
from gateway.people.signing_in import SignIn
from gateway.ports.clock import Clock
from gateway.ports.mail import Mail
from gateway.ports.money import Money
from gateway.ports.people import PeopleStore
from gateway.ports.provider_keys import DataKeys
from gateway.stores.aws.kms import KmsDataKeys
from gateway.stores.aws.ses import SesMail
from gateway.wiring.money import money
from gateway.wiring.process import process
from gateway.wiring.sessions import people_store


@cache
def people() -> People:
    """People over the tables, and the mail service, that this process's settings name."""
    on, chosen = process(), process().settings
    terms = Terms(cast("Mode", chosen.registration), parse_usd(chosen.starting_credit_usd), chosen.console_url)
    data_keys = KmsDataKeys(on.aws, chosen.provider_keys_key)
    return people_of(
        people_store(), money(), SesMail(on.aws, chosen.mail_identity), data_keys, on.clock, terms, Passwords()
    )


def people_of(
    store: PeopleStore, books: Money, mail: Mail, data_keys: DataKeys, clock: Clock, terms: Terms, passwords: Passwords
) -> People:
    """People over given stores."""
    attempts, sessions = Attempts(store, clock), Sessions(store, clock)
    second_factor = SecondFactor(store, data_keys, clock)
    sign_in = SignIn(store, sessions, passwords, second_factor, attempts)
    return People(
        store=store,
        attempts=attempts,
        sessions=sessions,
        registrar=Registrar(store, books, mail, passwords, attempts, clock, terms),
        sign_in=sign_in,
        second_factor=second_factor,
        credentials=Credentials(store, sign_in, passwords, mail, attempts, clock, terms.console_url),
    )
