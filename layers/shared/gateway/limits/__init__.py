"""Rate limits per minute. Arithmetic on a given time; no I/O, no clock."""
