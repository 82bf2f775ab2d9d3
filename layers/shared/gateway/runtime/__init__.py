"""ASGI on the Lambda Runtime API, with response streaming; started by the `stream-runtime` exec wrapper.

`api` speaks the protocol, `event` and `prelude` translate, `cycle` runs one invocation, `lifespan` and
`hooks` what surrounds them all, `server` the process.
"""
