"""Organizations: their members, roles and invitations; built on the ports, used by the HTTP apps."""
