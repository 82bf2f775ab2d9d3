"""The pages of the console, by the part that they show."""

from __future__ import annotations

from itertools import chain

from gateway.console.pages.account import account
from gateway.console.pages.billing import billing
from gateway.console.pages.catalog import catalog
from gateway.console.pages.entrance import entrance
from gateway.console.pages.keys import keys
from gateway.console.pages.logs import logs
from gateway.console.pages.operator import operator
from gateway.console.pages.organizations import organizations
from gateway.console.pages.overview import overview
from gateway.console.pages.playground import playground
from gateway.console.pages.usage import usage

PARTS = (entrance, overview, keys, usage, billing, logs, catalog, playground, organizations, account, operator)
PAGES = tuple(chain.from_iterable(part.all for part in PARTS))
