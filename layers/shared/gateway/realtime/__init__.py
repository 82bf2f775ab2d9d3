"""Carries realtime conversations: events in, events out. Pure: no socket, no store, no clock of its own.

    client event ──▶ Session.from_client ──▶ Step ──▶ frames for the provider, events for the client, charges, a close
    provider frame ─▶ Session.from_provider ─▶ Step

`session.py` has the verbs and opens a session by its provider's wire: `passing.py` where that is the caller's own
(OpenAI's, which Azure and xAI speak), `gemini/` where it is bridged. What a session costs is counted by `meter.py`, and
what a further socket of the provider is to be told again is kept by `unconfirmed.py`.
The mechanism around it owns the sockets, the holds and the store, and knows nothing of events.
"""
