"""The exact cache of answers, its pure half: what a request is known by, what its header asks for, what may be kept.

docs/cache.md tells callers of it, and docs/adr/0049-answer-cache.md gives the reasons.
"""
