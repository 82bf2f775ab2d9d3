"""One translation for every test of the template."""

import pytest

from tests.template.translated import Stack, load, translate


@pytest.fixture(scope="session")
def stack() -> Stack:
    with pytest.MonkeyPatch.context() as environment:
        # SAM's translation looks for a Region, which a machine without AWS settings does not have.
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return translate(load())
