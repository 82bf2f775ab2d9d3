"""The async client's own parts, and those of the sync client, which are written from them."""
