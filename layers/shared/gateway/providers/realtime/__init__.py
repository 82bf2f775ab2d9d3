"""Says where each provider's realtime sockets are, how they are opened, and which wire they speak."""
