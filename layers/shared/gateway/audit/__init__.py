"""The audit log: the entries that acts leave, and which endpoints leave them. Values in, values out."""
