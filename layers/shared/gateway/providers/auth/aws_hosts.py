"""Returns the hosts of AWS's services in a region: China and the isolated partitions have their own domains.

https://docs.aws.amazon.com/general/latest/gr/rande.html; a test holds the table against botocore's.
"""

from __future__ import annotations

STANDARD_DOMAIN = "amazonaws.com"
DOMAIN_BY_PREFIX = {
    "cn-": "amazonaws.com.cn",
    "eu-isoe-": "cloud.adc-e.uk",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
}


def aws_host(service: str, region: str) -> str:
    """The host of a service in a region; `service` is the name in its address."""
    domain = next((domain for prefix, domain in DOMAIN_BY_PREFIX.items() if region.startswith(prefix)), STANDARD_DOMAIN)
    return f"{service}.{region}.{domain}"
