"""Paying: top-ups, the payment service's events, automatic top-ups, plans. docs/billing.md tells of it."""
