"""Tests of the hosts of AWS's services, in every Region of every partition that botocore knows."""

from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader

from gateway.providers.auth.aws_hosts import aws_host

SESSION = botocore.session.get_session()
PARTITIONS: list[dict[str, Any]] = Loader().load_data("partitions")["partitions"]
REGIONS = [
    (region, partition["outputs"]["dnsSuffix"])
    for partition in PARTITIONS
    for region in partition["regions"]
    if not region.endswith("-global")
]


@pytest.mark.parametrize(("region", "domain"), REGIONS)
def test_a_host_has_its_partitions_domain(region: str, domain: str) -> None:
    assert aws_host("dynamodb", region) == f"dynamodb.{region}.{domain}"


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1"])
@pytest.mark.parametrize("service", ["dynamodb", "s3", "secretsmanager", "sqs", "states"])
def test_a_host_is_the_one_that_boto3_asks(service: str, region: str) -> None:
    client: Any = SESSION.create_client(
        "stepfunctions" if service == "states" else service,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="nothing",
    )
    # boto3 uses S3's oldest name for the first Region.
    theirs = client.meta.endpoint_url.replace("https://s3.amazonaws.com", "https://s3.us-east-1.amazonaws.com")
    assert theirs == f"https://{aws_host(service, region)}"
