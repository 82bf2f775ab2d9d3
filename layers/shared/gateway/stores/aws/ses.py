"""Sends letters by Amazon SES, from an identity that the deployment names: an address, or a domain.

A letter whose answer is lost may be sent twice, never not at all: its token is the same in both. `send_once` leaves one
that may have been taken as it is.
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

from __future__ import annotations

import logging
from functools import partial

from gateway.errors import ServiceUnavailable
from gateway.ports.mail import Letter
from gateway.stores.aws.client import AwsApi, AwsError, Unanswered, repeated

TRIES = 3
SEND = "/v2/email/outbound-emails"
DOWN = "The mail cannot be sent now; try again."

log = logging.getLogger(__name__)


class SesMail:
    """`Mail` by SES; without an identity it is not configured."""

    def __init__(self, aws: AwsApi, identity: str) -> None:
        self._aws = aws
        self._sender = identity if "@" in identity or not identity else f"no-reply@{identity}"

    @property
    def is_configured(self) -> bool:
        return bool(self._sender)

    async def send(self, letter: Letter) -> None:
        await self._send(letter, ambiguous=True)

    async def send_once(self, letter: Letter) -> bool:
        try:
            await self._send(letter, ambiguous=False)
        except Unanswered:
            return False
        return True

    async def _send(self, letter: Letter, *, ambiguous: bool) -> None:
        message = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [letter.to]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": letter.subject, "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": letter.text, "Charset": "UTF-8"},
                        "Html": {"Data": letter.html, "Charset": "UTF-8"},
                    },
                }
            },
        }
        try:
            await repeated(partial(self._aws.call, "email", SEND, message), tries=TRIES, ambiguous=ambiguous)
        except AwsError as error:
            if isinstance(error, Unanswered) and not ambiguous:
                raise
            # The code alone: SES's message may quote the address.
            log.warning("SES refused a letter: %s", error.code)
            raise ServiceUnavailable(DOWN) from None
