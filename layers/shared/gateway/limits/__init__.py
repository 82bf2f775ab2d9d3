"""How much may be asked in a minute. Arithmetic on a given now; no I/O, no clock."""
