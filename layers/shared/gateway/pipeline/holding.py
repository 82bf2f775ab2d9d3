"""Makes the hold of one request, for its worst case, as it is admitted."""

from __future__ import annotations

from msgspec import Struct

from gateway.auth.principal import Principal
from gateway.canonical.limits import NO_TOKENS, KeyLimits, user_name
from gateway.canonical.money import Admission, Hold, HoldRequest, Refusal
from gateway.limits.windows import enforced_rpm
from gateway.pipeline.operation import Meter
from gateway.ports.money import Money


class Billable(Struct, frozen=True):
    """One request to be paid for.

    `hold_until_s` (epoch) is when the sweeper may end its hold, and `over_by_s` when it runs no more, ended or not.
    """

    hold_id: str
    generation_id: str
    request_id: str
    principal: Principal
    model_requested: str
    hold_until_s: int
    over_by_s: int
    user: str | None = None


async def make_hold(money: Money, billable: Billable, meter: Meter, now_s: float) -> Admission | Refusal:
    """Asks the store for the hold of a request's worst case."""
    key, output = billable.principal.key, meter.open_output
    wanted = HoldRequest(
        account_id=billable.principal.account_id,
        key_id=key.key_id,
        hold_id=billable.hold_id,
        amount_nanousd=meter.worst_case(first_units(meter)),
        deadline_s=billable.hold_until_s,
        key_rpm_limit=enforced_rpm(key.rpm_limit),
        spend_cap_nanousd=key.monthly_spend_cap_nanousd,
        most_nanousd=None if output is None or output.watched else meter.worst_case(output.most_units),
        limits=KeyLimits(key.tpm_limit, key.max_parallel, key.user_rpm_limit),
        tokens=NO_TOKENS if key.tpm_limit is None else meter.tokens,
        lease_until_s=billable.over_by_s,
        user=user_name(key.key_id, billable.user),
        alert_at_nanousd=key.alert_at_nanousd,
        seat=key.seat,
        seat_cap_nanousd=key.seat_cap_nanousd,
    )
    return await money.admit(wanted, now_s)


def first_units(meter: Meter) -> int:
    """The units of an open output that are held for at admission."""
    return 0 if meter.open_output is None else meter.open_output.first_units


def held_units(meter: Meter, hold: Hold) -> int:
    """The units of output that a new hold pays for."""
    output = meter.open_output
    if output is None or output.watched:
        return first_units(meter)
    if meter.worst_case(output.most_units) <= hold.amount_nanousd:
        return output.most_units
    paid, unpaid = output.first_units, output.most_units
    while unpaid - paid > 1:
        middle = (paid + unpaid) // 2
        if meter.worst_case(middle) <= hold.amount_nanousd:
            paid = middle
        else:
            unpaid = middle
    return paid
