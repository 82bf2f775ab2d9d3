"""The module that Python imports when a function's fork server starts; `local/forks.py` is the other side."""
