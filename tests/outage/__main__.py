"""Prints, for each trouble of one of three providers, what 10,000 requests met, with failover and without.

python -m tests.outage [REQUESTS]
"""

from __future__ import annotations

import sys
from dataclasses import replace

from gateway.pipeline.hedging import HedgeRules
from tests.outage.providers import Trouble
from tests.outage.simulation import HEAD, Setting, simulated

KEYED = {Trouble.LIMITED, Trouble.REFUSED}


def main(requests: int) -> int:
    """Runs every simulation; returns 1 if a client got a wrong word, or a ledger has what no client was told."""
    sys.stdout.write(f"{HEAD}\n")
    wrong = 0
    for trouble in Trouble:
        plain = Setting(trouble, requests, keys=2 if trouble in KEYED else 1)
        ways = {"failover": plain, "no failover": replace(plain, fallbacks=False)}
        if trouble in {Trouble.NONE, Trouble.SLOW}:
            ways["hedging"] = replace(plain, hedging=HedgeRules(frozenset({"*"})))
        for way, setting in ways.items():
            result = simulated(setting)
            wrong += len(result.wrong) + (result.told_nanousd != result.charged_nanousd)
            sys.stdout.write(result.row(f"{trouble}, {way}") + "\n")
            sys.stdout.flush()
    sys.stdout.write(f"{wrong} wrong\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
