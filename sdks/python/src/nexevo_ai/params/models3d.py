"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Literal, Optional

from nexevo_ai._request import RequestOptions

# Shared.
from nexevo_ai.params.shared import PreferencesParam


class Models3DGenerateParams(RequestOptions, total=False):
    """Arguments of `models3d.generate`."""

    prompt: Optional[str]
    reference_image_url: Optional[str]
    output_format: Literal["fbx", "glb", "obj", "stl", "usdz"]
    seed: Optional[int]
    webhook_url: Optional[str]
    provider: PreferencesParam
