"""Decides which Stripe the stack pays by: the one of a key in the stack's environment, or the simulated one."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from local.payments.serving import API_KEY, PREFIX, WEBHOOK_SECRET


@dataclass(frozen=True, slots=True)
class StripeAccount:
    """A key of Stripe, what its events are signed by, and its address where that is not Stripe's own."""

    api_key: str
    webhook_secret: str
    api_base: str

    def secret(self) -> str:
        """Writes what the stack's secret of payments holds."""
        return orjson.dumps({"stripe": {"api_key": self.api_key, "webhook_secret": self.webhook_secret}}).decode()


def choose(simulated: Mapping[str, Mapping[str, str]], environment: Mapping[str, str]) -> StripeAccount:
    """Takes `STRIPE_API_KEY`, `STRIPE_WEBHOOK_SECRET` and `STRIPE_API_BASE`, or else the simulator's."""
    if environment.get("STRIPE_API_KEY"):
        webhook_secret = environment.get("STRIPE_WEBHOOK_SECRET", "")
        return StripeAccount(environment["STRIPE_API_KEY"], webhook_secret, environment.get("STRIPE_API_BASE", ""))
    simulator = urlsplit(simulated["openai"]["base_url"])
    return StripeAccount(API_KEY, WEBHOOK_SECRET, f"{simulator.scheme}://{simulator.netloc}{PREFIX}")
