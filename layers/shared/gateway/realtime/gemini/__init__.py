"""Bridges OpenAI's Realtime events and Gemini's Live API: https://ai.google.dev/api/live.

`setup.py` writes what a session is set to, `asking.py` sends what a client asks for, `telling.py` reads what Gemini
answers, and `response.py` writes a response with all events of its life.
"""
