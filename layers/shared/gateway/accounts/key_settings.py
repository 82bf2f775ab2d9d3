"""Reads a key's settings from requests; every bound is here, and an error names the JSON path.

Types are strict (a boolean is not a number, 60.0 is not an integer). Unknown fields are refused, because a setting that
is silently ignored is a limit the owner wrongly relies on. Names and ranges are section 1 of the public contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import IPv6Network, ip_network
from typing import Annotated, Any, Literal, Self
from unicodedata import category

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from gateway.ledger.money import NotAnAmount, parse_usd

RegionPolicy = Literal["any", "cn-only", "overseas-only"]
IPV4_MAPPED = IPv6Network("::ffff:0:0/96")


def amount_nanousd(value: object) -> int:
    """Nano-USD of decimal text, an integer, or a JSON number read as `Decimal`; a float is refused."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise NotAnAmount("Input should be an amount of USD as decimal text, like '100.00'")
    return parse_usd(str(value))


def epoch_s(value: object) -> int:
    """Epoch seconds of an ISO 8601 time; without an offset it is UTC's."""
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(aware.timestamp())
    except (ValueError, OverflowError):
        raise ValueError("Input should be an ISO 8601 time, like '2030-01-31T00:00:00Z'") from None


def readable(name: str) -> str:
    """The name, if it can be read back: it is not blank and has no control characters."""
    if not name.strip() or any(category(character) == "Cc" for character in name):
        raise ValueError("Input should have a character that is not a space, and no control characters")
    return name


def address_range(text: str) -> str:
    """The CIDR range in its canonical form; a single address is a range of one."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError("Input should be an IPv4 or IPv6 address or CIDR range, like '203.0.113.0/24'") from None
    if isinstance(network, IPv6Network) and (network.subnet_of(IPV4_MAPPED) or "%" in text):
        raise ValueError("Input should be a plain range: IPv4 is written as IPv4, and there are no zones")
    return str(network)


KeyName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(readable)]
UsdAmount = Annotated[
    int,
    BeforeValidator(amount_nanousd),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": r"^[0-9]{1,18}(\.[0-9]{1,18})?$"}, {"type": "number", "minimum": 0}]}
    ),
]
Moment = Annotated[int, BeforeValidator(epoch_s), WithJsonSchema({"type": "string", "format": "date-time"})]
AddressRange = Annotated[str, Field(max_length=64), AfterValidator(address_range)]
# An exact id or alias, or a prefix that ends in `*`.
ModelPattern = Annotated[str, Field(max_length=128, pattern=r"^([!-)+-~]+\*?|\*)$")]
# HTTPS with a public host, or an operator's own: `Keyring` judges it.
HttpsUrl = Annotated[
    str,
    Field(max_length=2048),
    WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https://", "maxLength": 2048}),
]


class Body(BaseModel):
    """Base of every request body of the control plane."""

    model_config = ConfigDict(extra="forbid", strict=True)


class KeySettings(Body):
    """Settings to change; an absent one stays. `null` removes a limit."""

    name: KeyName = Field(default="")
    monthly_spend_cap_usd: UsdAmount | None = None
    rpm_limit: int | None = Field(default=None, ge=1, le=1_000_000)
    tpm_limit: int | None = Field(default=None, ge=1, le=1_000_000_000)
    max_parallel: int | None = Field(default=None, ge=1, le=1_000)
    user_rpm_limit: int | None = Field(default=None, ge=1, le=1_000_000)
    allowed_ips: list[AddressRange] | None = Field(default=None, max_length=100)
    allowed_models: list[ModelPattern] | None = Field(default=None, max_length=100)
    expires_at: Moment | None = None
    region_policy: RegionPolicy = "any"
    alert_webhook_url: HttpsUrl | None = None
    can_manage_keys: bool = False
    disabled: bool = False

    def changes(self) -> dict[str, Any]:
        """The given settings, by the names and in the units of `KeyRecord`'s fields."""
        given = ((name, getattr(self, name)) for name in self.model_fields_set)
        return {_FIELDS.get(name, name): _STORED.get(name, _as_given)(value) for name, value in given}


class NewKey(KeySettings):
    """A key to create: its name, and any setting."""

    name: KeyName


class SpendCap(Body):
    """Bound on a key's spend in each calendar month (UTC), or its removal."""

    monthly_spend_cap_usd: UsdAmount | None = None
    clear: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.clear == (self.monthly_spend_cap_usd is not None):
            raise ValueError("Give either 'monthly_spend_cap_usd' or 'clear': true")
        return self

    def changes(self) -> dict[str, Any]:
        """The new cap, by its name in `KeyRecord`."""
        return {"monthly_spend_cap_nanousd": self.monthly_spend_cap_usd}


class AlertWebhook(Body):
    """Destination of alerts about a key's spend; `null` for none."""

    url: HttpsUrl | None

    def changes(self) -> dict[str, Any]:
        """The new destination, by its name in `KeyRecord`."""
        return {"alert_webhook_url": self.url}


class Region(Body):
    """Regions in which a key's requests may be served."""

    region_policy: RegionPolicy

    def changes(self) -> dict[str, Any]:
        """The new policy, by its name in `KeyRecord`."""
        return {"region_policy": self.region_policy}


def _as_given(value: object) -> object:
    return value


def _sequence(values: list[str] | None) -> tuple[str, ...]:
    return tuple(values or ())


_FIELDS = {"monthly_spend_cap_usd": "monthly_spend_cap_nanousd", "expires_at": "expires_at_s"}
_STORED: Mapping[str, Callable[[Any], object]] = {"allowed_ips": _sequence, "allowed_models": _sequence}
