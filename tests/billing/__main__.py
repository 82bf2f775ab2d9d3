"""Runs the campaign of killed processes: `python -m tests.billing PAYMENTS DELIVERIES [SEED]`.

Its processes load no module of this name again, as they would load one that is run by its own.
"""

import sys

from tests.billing.killed import main

numbers = [*map(int, sys.argv[1:]), 1]
sys.exit(main(*numbers[:3]))
