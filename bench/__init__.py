"""What the chat function costs: its own process is measured, everything else only answers it.

Importing `local` puts the shared layer on the path, as it does for the local stack.
"""
