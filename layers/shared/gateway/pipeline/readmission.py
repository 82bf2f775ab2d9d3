"""Asks again, when work begins without its caller, whether the caller may still have it done.

A run in the background and a job of media begin seconds or minutes after their requests were admitted. Meanwhile the
key may be revoked, its addresses, models, region or cap changed, or the account suspended. What runs already goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.auth.principal import Principal, admit_key
from gateway.canonical.money import Refusal, RefusedBy
from gateway.errors import AuthenticationFailed
from gateway.limits.windows import enforced_rpm, month_reset_s
from gateway.ports.clock import Clock
from gateway.ports.keys import Keys
from gateway.ports.money import Money

if TYPE_CHECKING:
    # Accounts with provider keys of their own alone load them.
    from gateway.ports.provider_keys import OwnKeys

NO_KEY = "The API key of this request is gone."
# Members of a job's order: the key of its request, and the address that it came from.
KEY_HASH, SOURCE_IP = "key_hash", "source_ip"


class Readmission(Struct, frozen=True):
    """Judges the callers of work that was admitted before, as they stand now."""

    keys: Keys
    money: Money
    clock: Clock
    own_keys: OwnKeys | None = None

    async def principal(self, account_id: str, order: Mapping[str, Any]) -> Principal:
        """The caller of an admitted order; raises the refusal that a request of now would meet.

        Its money is held already: of that only a suspension and the key's cap are judged, the hold within the spend.
        """
        record = await self.keys.find(order[KEY_HASH])
        if record is None or record.account_id != account_id:
            raise AuthenticationFailed(NO_KEY)
        if SOURCE_IP not in order:
            # The order of an earlier release does not say where it came from.
            record = replace(record, allowed_ips=())
        now_s = self.clock.now_s()
        principal = admit_key(record, order.get(SOURCE_IP, ""), now_s)
        state = await self.money.state(account_id, record.key_id, enforced_rpm(record.rpm_limit), now_s)
        if state is None:
            raise AuthenticationFailed(NO_KEY)
        if state.disabled:
            raise Refusal(RefusedBy.SUSPENDED, state.window, state.free_nanousd).error()
        cap = record.monthly_spend_cap_nanousd
        if cap is not None and state.spent_nanousd > cap:
            refusal = Refusal(RefusedBy.SPEND_CAP, state.window, state.free_nanousd, month_reset_s=month_reset_s(now_s))
            raise refusal.error()
        if record.has_provider_keys and self.own_keys is not None:
            return replace(principal, own_keys=tuple(await self.own_keys.of(account_id)))
        return principal
