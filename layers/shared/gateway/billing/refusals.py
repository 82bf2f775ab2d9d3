"""The refusals of paying."""

from __future__ import annotations

from gateway.errors import Conflict, ServiceUnavailable


def not_configured() -> ServiceUnavailable:
    """The refusal where the deployment takes no payments."""
    return ServiceUnavailable(
        "Payments are not configured in this deployment.", code="payments_not_configured", should_retry=False
    )


def changed_meanwhile() -> Conflict:
    """The refusal where the account's terms are being changed by others all the time."""
    return Conflict("The settings are being changed by another request; please try again.", code="settings_changed")
