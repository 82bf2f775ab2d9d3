"""Counts what can be decoded of a file of sound, by its frames and packets: one module a container. Pure (ADR 0045)."""
