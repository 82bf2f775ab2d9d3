"""Which provider is real and which is simulated: a row with a key or a base URL in the stack's environment is real."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.providers.media.registry import MEDIA_VENDORS
from gateway.providers.registry import PROVIDERS
from local.children import Children

ROOT = Path(__file__).resolve().parent.parent
# A provider that is only given a base URL, somebody's own server as a rule, still gets a key: its wire wants one.
NO_KEY = "none"
# What an environment can give of a row; all but the first two are what single providers want.
FIELDS = ("api_key", "base_url", "secret_key", "webhook_secret", "jwks_url", "project", "location", "storage_uri")

Row = dict[str, str]


class SimulatorFailed(Exception):
    """The provider simulator did not come up."""


@dataclass(frozen=True, slots=True)
class ProviderRows:
    """The providers' secret and who is simulated, row by row."""

    configured: Mapping[str, Row]
    simulated: Mapping[str, Row]

    def secret(self) -> str:
        return orjson.dumps({**self.simulated, **self.configured}).decode()

    def states(self) -> dict[str, str]:
        """Each row, "configured" or "simulated"."""
        rows = dict.fromkeys(self.simulated, "simulated") | dict.fromkeys(self.configured, "configured")
        return dict(sorted(rows.items()))


async def start_simulator(children: Children, data: Path, env: Mapping[str, str]) -> dict[str, Row]:
    """The simulated rows, once their one process serves; raises SimulatorFailed where it does not come up."""
    with (data / "logs" / "providers.log").open("ab") as log:
        process = await children.spawn(
            [sys.executable, "-m", "local.providers", "--port", "0", "--json"],
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
    """Real rows from `<ROW>_API_KEY`, `<ROW>_BASE_URL` and what else a row takes, the simulator's for the rest."""
    names = sorted({*simulated, *PROVIDERS, *MEDIA_VENDORS})
    configured = {name: row for name in names if (row := _configured(name, environment))}
    return ProviderRows(
        configured=configured,
        simulated={name: row for name, row in simulated.items() if name not in configured},
    )


def _configured(name: str, environment: Mapping[str, str]) -> Row:
    prefix = name.upper().replace("-", "_")
    given = {field: value for field in FIELDS if (value := environment.get(f"{prefix}_{field.upper()}"))}
    return {"api_key": NO_KEY, **given} if given else {}
