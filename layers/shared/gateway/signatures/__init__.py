"""The signature vault: stores signed parts that a caller's wire cannot carry, and puts them back.

Providers require their own signed thoughts back with the results of the tools that they called
(docs/adr/0007-signatures.md). `collect` reads them from an answer, `vault` stores them, `restore` puts them into the
next request; `strip` removes them from a conversation that a provider refuses.
"""

from gateway.signatures.collect import Collector, collected
from gateway.signatures.restore import lacking, restored
from gateway.signatures.strip import is_about_signatures, unsigned
from gateway.signatures.vault import Vault

__all__ = ["Collector", "Vault", "collected", "is_about_signatures", "lacking", "restored", "unsigned"]
