"""Measures the chat function's own process; every other process only answers it.

Importing `local` puts the shared layer on the path, as it does for the local stack.
"""
