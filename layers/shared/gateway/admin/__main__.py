"""Runs the operator's command line: `python -m gateway.admin`."""

import sys

from gateway.admin.commands import main

raise SystemExit(main(sys.argv[1:]))
