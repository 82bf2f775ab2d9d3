"""The log of every function: JSON lines on stderr, metrics among them.

Modules log with Python's own `logging`; `lines` turns its records into lines, `metrics` names what is counted.
"""
