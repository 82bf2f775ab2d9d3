"""Runs the account app, and the keys and billing apps, over memory stores with a clock that is turned by hand."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from functions.account.app import app as account_app
from gateway.http import own_account, signing_in
from gateway.people.passwords import Passwords
from gateway.people.registration import Terms
from gateway.ports.mail import Letter
from gateway.wiring.people import Around, people_of
from tests.control_plane.harness import CALLER_IP, AppUnderTest, as_from_api_gateway
from tests.fakes.erasure import MemoryErasures
from tests.fakes.people import Outbox
from tests.fakes.provider_keys import MemoryDataKeys, MemoryProviderKeys
from tests.hangs import HANGS_AFTER_S

JANE, PASSWORD, NEW_PASSWORD = "jane@example.com", "correct horse battery", "staple of other horses"
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
OPEN = Terms("open", 5 * 10**9, "https://console.test")


class CountedPasswords(Passwords):
    """`Passwords` that counts its hashes, each by parameters that cost a test little."""

    def __init__(self) -> None:
        self.work: Counter[str] = Counter()

    def hashed(self, password: str) -> str:
        self.work["hash"] += 1
        return f"hash of {password}"

    def matches(self, password_hash: str | None, password: str) -> bool:
        self.work["hash"] += 1
        return password_hash in {f"hash of {password}", f"old hash of {password}"}

    def is_dated(self, password_hash: str) -> bool:
        return not password_hash.startswith("hash of ")


@dataclass
class House:
    """A gateway that people register at, over the memory stores of the control plane."""

    terms: Terms = OPEN
    nexgate: AppUnderTest = field(default_factory=AppUnderTest)
    mail: Outbox = field(default_factory=Outbox)
    passwords: CountedPasswords = field(default_factory=CountedPasswords)
    provider_keys: MemoryProviderKeys = field(default_factory=MemoryProviderKeys)
    erasures: MemoryErasures = field(default_factory=MemoryErasures)

    def __post_init__(self) -> None:
        self.store = self.nexgate.people
        around = Around(
            money=self.nexgate.money,
            keys=self.nexgate.keys,
            provider_keys=self.provider_keys,
            mail=self.mail,
            data_keys=MemoryDataKeys(),
            clock=self.nexgate.clock,
            passwords=self.passwords,
            organizations=self.nexgate.organizations,
            erasures=self.erasures,
        )
        self.people = people_of(self.store, around, self.terms)
        account_app._services = self.nexgate.services
        for module in (signing_in, own_account):
            vars(module)["people"] = lambda: self.people

    async def ask(
        self, method: str, path: str, body: object = None, token: str | None = None, ip: str = CALLER_IP, **headers: str
    ) -> httpx.Response:
        """Sends one call to the family that answers the path."""
        if "/auth/" not in path and not path.startswith("/v1/audit"):
            return await self.nexgate.ask(method, path, body, token, headers=headers)
        transport = httpx.ASGITransport(as_from_api_gateway(account_app), raise_app_exceptions=False, client=(ip, 1))
        sent: dict[str, Any] = {} if body is None else {"json": body}
        given = {"Authorization": f"Bearer {token}"} if token else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(
            transport=transport, base_url="https://gateway.test", timeout=HANGS_AFTER_S
        ) as client:
            return await client.request(method, path, headers=given, **sent)

    async def post(self, path: str, body: object = None, token: str | None = None, **more: Any) -> httpx.Response:
        return await self.ask("POST", f"/v1/auth/{path}", body, token, **more)

    async def registered(self, email: str = JANE, password: str = PASSWORD) -> dict[str, Any]:
        """Registers a person, opens the link of the letter, and returns the person."""
        answer = await self.post("register", {"email": email, "password": password})
        assert answer.status_code == 202, answer.text
        link = {"token": self.mailed_token(), "registration_token": answer.json()["registration_token"]}
        answer = await self.post("verify-email", link)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def signed_in(self, email: str = JANE, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        """Signs a person in and returns its tokens."""
        answer = await self.post("login", {"email": email, "password": password, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def mailed_token(self, letter: Letter | None = None) -> str:
        """Returns the token of a letter's link, or of the last letter's."""
        found = (letter or self.mail.letters[-1]).text.partition("#token=")[2].split()[0]
        assert TOKEN.fullmatch(found), found
        return found

    def later(self, seconds: float) -> None:
        self.nexgate.clock.at_s += seconds

    def work(self) -> dict[str, int]:
        """Counts what was asked of the store, of the hash and of the mail service so far."""
        told, letters = len(self.nexgate.audit.entries), len(self.mail.letters)
        return {**self.store.calls, **self.passwords.work, "letters": letters, "entries": told}


def work_of(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Returns the work between two counts."""
    return {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}
