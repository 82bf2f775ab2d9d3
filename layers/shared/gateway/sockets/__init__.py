"""Carries sessions over sockets: a client's messages come as letters, its events go by its connection's id.

`connecting.py` judges a handshake, `carrying.py` runs a session from one invocation to the next, `inbox.py` reads its
letters and `order.py` puts them in order, `purse.py` pays, `clearing.py` ends what a dead run has left. `realtime.py`
is one kind of session, which joins `gateway.realtime` to its provider's socket.
"""
