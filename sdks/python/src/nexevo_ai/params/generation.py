"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from nexevo_ai._request import RequestOptions

# Shared.


class GenerationUploadsUploadParams(RequestOptions, total=False):
    """Arguments of `generation.uploads.upload`."""


class GenerationModelsParams(RequestOptions, total=False):
    """Arguments of `generation.models`."""
