"""ASGI on the Lambda Runtime API, with response streaming; started by the `stream-runtime` exec wrapper.

`api` implements the protocol, `event` and `prelude` translate, `cycle` runs one invocation, `lifespan` and `hooks` run
before and after all of them, `server` is the process.
"""
