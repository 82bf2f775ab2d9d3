"""Decides which providers are real: those with a key or a base URL in the stack's environment."""

import asyncio
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.ports.upstream import CUSTOM, row_of
from gateway.providers.chat.registry import PROVIDERS
from gateway.providers.media.registry import MEDIA_VENDORS
from gateway.providers.search.registry import SEARCH_VENDORS
from local.children import Children

ROOT = Path(__file__).resolve().parent.parent
# A provider with a base URL only, usually the operator's own server, still gets a key, because its wire requires one.
NO_KEY = "none"
# The members of a row that an environment can set. All but the first two serve single providers.
FIELDS = (
    "api_key", "base_url", "secret_key", "project", "location", "storage_uri", "resource", "api_version", "region",
)  # fmt: skip
# The members that a provider's callbacks are known by, which a secret of their own holds.
CALLBACK_FIELDS = ("webhook_secret", "user_id", "jwks_url")

Row = dict[str, str]
_CUSTOM_ADDRESS = re.compile(r"CUSTOM_([A-Z0-9_]+)_BASE_URL")


class SimulatorFailed(Exception):
    """The provider simulator did not start."""


@dataclass(frozen=True, slots=True)
class ProviderRows:
    """The content of the providers' two secrets, and for each row whether it is simulated."""

    configured: Mapping[str, Row]
    simulated: Mapping[str, Row]

    def secret(self) -> str:
        """Writes the rows without what callbacks are known by."""
        return self._rows(lambda field: field not in CALLBACK_FIELDS)

    def callbacks_secret(self) -> str:
        """Returns what callbacks are known by, and nothing else."""
        return self._rows(CALLBACK_FIELDS.__contains__)

    def _rows(self, kept: Callable[[str], bool]) -> str:
        everything = {**self.simulated, **self.configured}
        found = {name: {field: row[field] for field in row if kept(field)} for name, row in everything.items()}
        return orjson.dumps({name: row for name, row in found.items() if row}).decode()

    def urls(self) -> dict[str, str]:
        """Maps each row whose address is another than its vendor's to that address."""
        everything = {**self.simulated, **self.configured}
        return {name: row["base_url"] for name, row in everything.items() if "base_url" in row}

    def states(self) -> dict[str, str]:
        """Maps each row to "configured" or "simulated"."""
        rows = dict.fromkeys(self.simulated, "simulated") | dict.fromkeys(self.configured, "configured")
        return dict(sorted(rows.items()))


async def start_simulator(children: Children, data: Path, env: Mapping[str, str], events_url: str) -> dict[str, Row]:
    """Starts the simulator, whose Stripe tells of payments at `events_url`, and returns the simulated rows.

    Raises SimulatorFailed if it does not start.
    """
    with (data / "logs" / "providers.log").open("ab") as log:
        process = await children.spawn(
            [sys.executable, "-m", "local.providers", "--port", "0", "--json", "--events", events_url],
            env={**env, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'shared'}"},
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    children.watch_service("the provider simulator", process)
    line = await process.stdout.readline() if process.stdout else b""
    if not line:
        raise SimulatorFailed(f"the provider simulator did not start; see {data / 'logs' / 'providers.log'}")
    rows: dict[str, Row] = orjson.loads(line)
    return rows


def choose(simulated: Mapping[str, Row], environment: Mapping[str, str]) -> ProviderRows:
    """Builds real rows from `<ROW>_API_KEY`, `<ROW>_BASE_URL` and so on, and takes the rest from `simulated`.

    `CUSTOM_<ROW>_BASE_URL` adds a provider of the operator's own, `custom/<row>`.
    """
    added = {f"custom/{found[1].lower()}" for name in environment if (found := _CUSTOM_ADDRESS.fullmatch(name))}
    names = sorted({*simulated, *PROVIDERS, *MEDIA_VENDORS, *SEARCH_VENDORS, *added} - {CUSTOM})
    configured = {name: row for name in names if (row := _configured(name, environment))}
    return ProviderRows(
        configured=configured,
        simulated={name: row for name, row in simulated.items() if name not in configured},
    )


def _configured(name: str, environment: Mapping[str, str]) -> Row:
    prefix = name.upper().replace("-", "_").replace("/", "_")
    given = {
        field: value for field in (*FIELDS, *CALLBACK_FIELDS) if (value := environment.get(f"{prefix}_{field.upper()}"))
    }
    keyless = row_of(name) == CUSTOM
    return {**({} if keyless else {"api_key": NO_KEY}), **given} if given else {}
