"""The translations that every test of the template reads."""

import pytest

from tests.template.translated import Stack, load, translate


def translated(layer_key: str, **parameters: str) -> Stack:
    with pytest.MonkeyPatch.context() as environment:
        # SAM's translation needs a Region, which a machine without AWS settings lacks.
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return translate(load(), layer_key, parameters)


@pytest.fixture(scope="session")
def stack() -> Stack:
    return translated("layer")


@pytest.fixture(scope="session")
def stack_of_snapshots() -> Stack:
    return translated("layer", SnapStart="PublishedVersions")


@pytest.fixture(scope="session")
def stack_of_another_layer() -> Stack:
    return translated("another layer")
