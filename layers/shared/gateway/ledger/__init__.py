"""Money: what things cost and what is held for them. Integers in, integers out; no I/O, no clock."""
