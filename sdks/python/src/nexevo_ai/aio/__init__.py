"""Resources of the async client."""
