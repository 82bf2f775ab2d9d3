"""People: their registration, log-in, sessions and second factors; built on the ports, used by the HTTP apps."""
