"""Holds each target's constraints as data, and the one place that shapes a bridged request to fit.

`rules` is the table, a row per rule with its source; `table` adds rows up for one target; `shaping` applies them.
"""

from gateway.providers.constraints.naming import Renaming, Undoing, renamed
from gateway.providers.constraints.rules import RULES, constraints_of
from gateway.providers.constraints.shaping import shape
from gateway.providers.constraints.table import Alphabet, Constraints, Rule

__all__ = ["RULES", "Alphabet", "Constraints", "Renaming", "Rule", "Undoing", "constraints_of", "renamed", "shape"]
