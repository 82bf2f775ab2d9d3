"""The simulated providers: every wire, one process, deterministic answers, faults on request."""
