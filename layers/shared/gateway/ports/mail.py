"""Mail to people, sent by a service that the deployment names, or by none."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Letter(Struct, frozen=True):
    """A mail to one address, as plain text and as HTML of the same content."""

    to: str
    subject: str
    text: str
    html: str


class Mail(Protocol):
    """A service that sends letters."""

    @property
    def is_configured(self) -> bool:
        """False where the deployment names no sender, so that nothing can be sent."""

    async def send(self, letter: Letter) -> None:
        """Hands a letter over; raises `ServiceUnavailable` if the service does not take it."""

    async def send_once(self, letter: Letter) -> bool:
        """Hands a letter over at most once: False if it is not known whether the service took it.

        Raises `ServiceUnavailable` if the service did not take it.
        """
