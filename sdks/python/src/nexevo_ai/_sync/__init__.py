"""The sync client's own parts, and those of the sync client, which are written from them.

Written by `sdks/python/generate.py` from `_async/__init__.py`.
"""
