"""Bundles what the account family's endpoints stand on."""

from __future__ import annotations

from msgspec import Struct

from gateway.people.attempts import Attempts
from gateway.people.credentials import Credentials
from gateway.people.leaving import Leaving
from gateway.people.registration import Registrar
from gateway.people.second_factor import SecondFactor
from gateway.people.sessions import Sessions
from gateway.people.signing_in import SignIn
from gateway.ports.people import PeopleStore


class People(Struct, frozen=True):
    """The services by which people register, sign in and look after their accounts."""

    store: PeopleStore
    attempts: Attempts
    sessions: Sessions
    registrar: Registrar
    sign_in: SignIn
    second_factor: SecondFactor
    credentials: Credentials
    leaving: Leaving
