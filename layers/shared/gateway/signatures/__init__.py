"""The signature vault: what a provider signed and a caller's wire cannot carry is kept here and put back.

Providers want their own signed thoughts back with the results of the tools that they called
(docs/adr/0007-signatures.md). `collect` reads them from an answer, `vault` keeps them, `restore` puts them into the
next request; `strip` frees a conversation that a provider will not read any more.
"""

from gateway.signatures.collect import Collector, collected
from gateway.signatures.restore import lacking, restored
from gateway.signatures.strip import is_about_signatures, unsigned
from gateway.signatures.vault import Vault

__all__ = ["Collector", "Vault", "collected", "is_about_signatures", "lacking", "restored", "unsigned"]
