"""Servers that are measured beside ours, each in a process and with packages of its own."""
