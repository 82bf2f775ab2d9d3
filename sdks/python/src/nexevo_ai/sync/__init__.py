"""Resources of the sync client."""
