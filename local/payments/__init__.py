"""A simulated Stripe: its API as the official package speaks it, a page on which a browser pays, and signed events."""
