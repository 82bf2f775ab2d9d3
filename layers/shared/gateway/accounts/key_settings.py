"""Reads a key's settings from requests; every bound is here, and an error names the JSON path.

Names and ranges are section 1 of the public contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import IPv6Network, ip_network
from typing import Annotated, Any, ClassVar, Literal, Self
from unicodedata import category

from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.ledger.money import NotAnAmount, parse_usd
from gateway.ports.keys import EXACT, OFF, SEMANTIC, THRESHOLD_MAX, THRESHOLD_MIN
from gateway.protocols.shared.body import Body, text

RegionPolicy = Literal["any", "cn-only", "overseas-only"]
IPV4_MAPPED = IPv6Network("::ffff:0:0/96")
NAME_CHARACTERS_MAX = 100
RANGE_CHARACTERS_MAX = 64


class UsdAmount(int):
    """Nano-USD of decimal text, an integer, or a JSON number read as `Decimal`; a float is refused."""

    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "anyOf": [{"type": "string", "pattern": r"^[0-9]{1,18}(\.[0-9]{1,18})?$"}, {"type": "number", "minimum": 0}]
    }

    @classmethod
    def read(cls, value: object) -> Self:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise NotAnAmount("Input should be an amount of USD as decimal text, like '100.00'")
        return cls(parse_usd(str(value)))


class Moment(int):
    """Epoch seconds of an ISO 8601 time; without an offset it is UTC's."""

    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "date-time"}

    @classmethod
    def read(cls, value: object) -> Self:
        try:
            # Python 3.13 reads a time before a NUL as if it ended there.
            moment = datetime.fromisoformat(value if isinstance(value, str) and value.isprintable() else "")
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return cls(aware.timestamp())
        except (ValueError, OverflowError):
            raise ValueError("Input should be an ISO 8601 time, like '2030-01-31T00:00:00Z'") from None


class KeyName(str):
    """A name that can be read back: it is not blank and has no control characters."""

    __slots__ = ()
    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "string", "minLength": 1, "maxLength": NAME_CHARACTERS_MAX}

    @classmethod
    def read(cls, value: object) -> Self:
        name = text(value)
        if not 1 <= len(name) <= NAME_CHARACTERS_MAX:
            raise ValueError(f"Input should have 1 to {NAME_CHARACTERS_MAX} characters")
        if not name.strip() or any(category(character) == "Cc" for character in name):
            raise ValueError("Input should have a character that is not a space, and no control characters")
        return cls(name)


class CacheSetting(str):
    """The use of the cache of answers by a key's requests."""

    __slots__ = ()
    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "string", "enum": [OFF, EXACT, SEMANTIC]}

    @classmethod
    def read(cls, value: object) -> Self:
        setting = text(value)
        if setting not in (OFF, EXACT, SEMANTIC):
            raise ValueError("Input should be 'off', 'exact' or 'semantic'")
        return cls(setting)


class SimilarityThreshold(int):
    """The least similarity of questions that share an answer, in thousandths."""

    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "number", "minimum": THRESHOLD_MIN, "maximum": THRESHOLD_MAX}

    @classmethod
    def read(cls, value: object) -> Self:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise TypeError(f"Expected `number`, got `{type(value).__name__}`")
        if not THRESHOLD_MIN <= value <= THRESHOLD_MAX:
            raise ValueError(f"Input should be from {THRESHOLD_MIN} to {THRESHOLD_MAX}")
        return cls(round(value * 1000))


class AddressRange(str):
    """A CIDR range in its canonical form; a single address is a range of one."""

    __slots__ = ()
    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "string", "maxLength": RANGE_CHARACTERS_MAX}

    @classmethod
    def read(cls, value: object) -> Self:
        given = text(value)
        try:
            network = ip_network(given[: RANGE_CHARACTERS_MAX + 1], strict=False)
        except ValueError:
            raise ValueError("Input should be an IPv4 or IPv6 address or CIDR range, like '203.0.113.0/24'") from None
        if isinstance(network, IPv6Network) and (network.subnet_of(IPV4_MAPPED) or "%" in given):
            raise ValueError("Input should be a plain range: IPv4 is written as IPv4, and there are no zones")
        return cls(network)


# An exact id or alias, or a prefix that ends in `*`. The end is the text's: Python's `$` lets a line break follow.
ModelPattern = Annotated[str, Meta(max_length=128, pattern=r"^([!-)+-~]+\*?|\*)$(?!\n)")]
# HTTPS with a public host, or an operator's own: `Keyring` judges it.
HttpsUrl = Annotated[str, Meta(max_length=2048, extra_json_schema={"format": "uri", "pattern": "^https://"})]
Rpm = Annotated[int, Meta(ge=1, le=1_000_000)]
Tpm = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Parallel = Annotated[int, Meta(ge=1, le=1_000)]


class KeySettings(Body, frozen=True, kw_only=True):
    """Settings to change; an absent one stays. `null` removes a limit."""

    name: KeyName | UnsetType = UNSET
    monthly_spend_cap_usd: UsdAmount | UnsetType | None = UNSET
    rpm_limit: Rpm | UnsetType | None = UNSET
    tpm_limit: Tpm | UnsetType | None = UNSET
    max_parallel: Parallel | UnsetType | None = UNSET
    user_rpm_limit: Rpm | UnsetType | None = UNSET
    allowed_ips: Annotated[list[AddressRange], Meta(max_length=100)] | UnsetType | None = UNSET
    allowed_models: Annotated[list[ModelPattern], Meta(max_length=100)] | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    region_policy: RegionPolicy | UnsetType = UNSET
    alert_webhook_url: HttpsUrl | UnsetType | None = UNSET
    can_manage_keys: bool | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    cache: CacheSetting | UnsetType = UNSET
    cache_threshold: SimilarityThreshold | UnsetType | None = UNSET

    def changes(self) -> dict[str, Any]:
        """The given settings, by the names and in the units of `KeyRecord`'s fields."""
        found = ((name, getattr(self, name)) for name in self.__struct_fields__)
        given = ((name, value) for name, value in found if value is not UNSET)
        return {_FIELDS.get(name, name): _STORED.get(name, _as_given)(value) for name, value in given}


class NewKey(KeySettings, frozen=True, kw_only=True):
    """A key to create: its name, and any setting."""

    name: KeyName


class SpendCap(Body, frozen=True):
    """Bound on a key's spend in each calendar month (UTC), or its removal."""

    monthly_spend_cap_usd: UsdAmount | None = None
    clear: bool = False

    def __post_init__(self) -> None:
        if self.clear == (self.monthly_spend_cap_usd is not None):
            raise ValueError("Give either 'monthly_spend_cap_usd' or 'clear': true")

    def changes(self) -> dict[str, Any]:
        """The new cap, by its name in `KeyRecord`."""
        return {"monthly_spend_cap_nanousd": _number(self.monthly_spend_cap_usd)}


class AlertWebhook(Body, frozen=True):
    """Destination of alerts about a key's spend; `null` for none."""

    url: HttpsUrl | None

    def changes(self) -> dict[str, Any]:
        """The new destination, by its name in `KeyRecord`."""
        return {"alert_webhook_url": self.url}


class Region(Body, frozen=True):
    """Regions in which a key's requests may be served."""

    region_policy: RegionPolicy

    def changes(self) -> dict[str, Any]:
        """The new policy, by its name in `KeyRecord`."""
        return {"region_policy": self.region_policy}


class Revocation(Struct):
    """Query of a revocation; `keep_made` leaves the keys that the key has made."""

    keep_made: bool = False


def _as_given(value: object) -> object:
    return value


def _number(value: int | None) -> int | None:
    """The same number as a plain `int`, which is what stores know."""
    return None if value is None else int(value)


def _sequence(values: list[str] | None) -> tuple[str, ...]:
    return tuple(map(str, values or ()))


_FIELDS = {
    "monthly_spend_cap_usd": "monthly_spend_cap_nanousd",
    "expires_at": "expires_at_s",
    "cache_threshold": "cache_threshold_thousandths",
}
_STORED: Mapping[str, Callable[[Any], object]] = {
    "name": str,
    "cache": str,
    "cache_threshold": _number,
    "monthly_spend_cap_usd": _number,
    "allowed_ips": _sequence,
    "allowed_models": _sequence,
    "expires_at": _number,
}
