"""Responses that run on after their caller has left: asked for, run, followed, cancelled."""
