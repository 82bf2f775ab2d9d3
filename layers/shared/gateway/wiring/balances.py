"""Builds what watches balances, in the function that sends webhooks."""

from __future__ import annotations

from gateway.stores.aws.ses import SesMail
from gateway.webhooks.balance import BalanceWatch
from gateway.webhooks.posting import Posting
from gateway.wiring.billing import paying
from gateway.wiring.money import money, notices
from gateway.wiring.process import process
from gateway.wiring.sessions import people_store


def balance_watch(posting: Posting) -> BalanceWatch:
    """The watch over balances that this process's settings name."""
    on, chosen = process(), process().settings
    mail = SesMail(on.aws, chosen.mail_identity)
    books, top_ups = paying().books, paying().top_ups
    return BalanceWatch(money(), books, top_ups, people_store(), mail, notices(), posting, on.clock, chosen.console_url)
