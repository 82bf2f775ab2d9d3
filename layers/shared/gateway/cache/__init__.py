"""The cache of answers, its pure half: names of requests, what they ask of it, and which questions share an answer.

docs/cache.md tells callers of it, and docs/adr/0049-answer-cache.md and 0052-semantic-cache.md give the reasons.
"""
