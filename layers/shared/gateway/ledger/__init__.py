"""Money: prices and worst cases of requests. Integers in, integers out; no I/O, no clock."""
