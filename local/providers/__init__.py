"""Simulates the providers: every wire in one process, with deterministic answers and faults on request."""
