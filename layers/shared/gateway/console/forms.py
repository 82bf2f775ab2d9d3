"""Reads the settings of forms into the bodies of the API, which judges them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NUMBERS = ("rpm_limit", "tpm_limit", "max_parallel", "user_rpm_limit")
LISTS = ("allowed_models", "allowed_ips")
# JSON's integers end at 64 bits, and a float of hundreds of digits is infinite, which JSON writes as null: no limit.
DIGITS_MAX = 18


def number(text: str) -> int | str | None:
    """A number, none for an empty field; what is no number is left for the API to refuse."""
    return int(text) if _is_digits(text) else text or None


def share(text: str) -> float | str | None:
    """A share like 0.95, none for an empty field; what is no number is left for the API to refuse."""
    return float(text) if _is_digits(text.replace(".", "", 1)) else text or None


def _is_digits(text: str) -> bool:
    return text.isdecimal() and len(text) <= DIGITS_MAX


def listed(text: str) -> list[str] | None:
    """The words of a text area, none for an empty one."""
    return text.replace(",", " ").split() or None


def key_settings(form: Mapping[str, str]) -> dict[str, Any]:
    """The settings of a key that a form has; an empty field is no limit."""
    expires = form.get("expires_at", "")
    return {
        "name": form.get("name", ""),
        "monthly_spend_cap_usd": form.get("monthly_spend_cap_usd") or None,
        **{name: number(form.get(name, "")) for name in NUMBERS},
        **{name: listed(form.get(name, "")) for name in LISTS},
        "expires_at": f"{expires}Z" if len(expires) in {16, 19} else expires or None,
        "region_policy": form.get("region_policy") or "any",
        "cache": form.get("cache") or "off",
        "cache_threshold": share(form.get("cache_threshold", "")),
        "alert_webhook_url": form.get("alert_webhook_url") or None,
        "can_manage_keys": "can_manage_keys" in form,
    }


def as_form(settings: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a form that show a key's settings."""
    shown = {name: str(value) for name, value in settings.items() if value and isinstance(value, str | int | float)}
    shown |= {name: "\n".join(settings.get(name) or ()) for name in LISTS}
    shown["expires_at"] = (settings.get("expires_at") or "")[:16]
    return shown
