"""Prints the table of mechanisms and loads."""

from __future__ import annotations

import sys

from tests.money.simulation.load import printed, table

sys.stdout.write(printed(table()) + "\n")
