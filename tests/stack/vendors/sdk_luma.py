"""Prints as one JSON line what Luma's own SDK reads from the simulator, for the test to judge."""

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

# Imported by name: the SDK is not among the packages that this repository is type-checked with.
sdk: Any = import_module("lumaai")

row = json.loads(sys.argv[1])
client = sdk.LumaAI(auth_token=row["api_key"], base_url=row["base_url"], max_retries=0)
stranger = sdk.LumaAI(auth_token="no", base_url=row["base_url"], max_retries=0)
create = client.generations.video.create
IMAGE = {"type": "image", "url": row["image"]}


def refusal(call: Callable[..., Any], **given: Any) -> int | None:
    try:
        call(**given)
    except sdk.APIStatusError as error:
        return int(error.status_code)
    return None


def end(generation: Any) -> tuple[Any, list[str]]:
    seen: list[str] = []
    while True:
        told = client.generations.get(generation.id)
        if told.state not in seen:
            seen.append(told.state)
        if told.state not in {"queued", "dreaming"}:
            return told, seen
        time.sleep(0.02)


made, way = end(
    create(model="ray-2", prompt="a cube [[sim: media_s=1.5]]", duration="9s", resolution="720p", aspect_ratio="9:16")
)
animated, _ = end(client.generations.create(model="ray-flash-2", prompt="it turns", keyframes={"frame0": IMAGE}))
flagged, _ = end(create(model="ray-2", prompt="bad [[sim: media_s=0 media_fail=moderation]]"))
slow = create(model="ray-2", prompt="slow [[sim: media_s=300]]")
client.generations.delete(slow.id)
sys.stdout.write(
    json.dumps(
        {
            "way": way,
            "video": made.assets.video,
            "asked": made.request.duration,
            "states": [animated.state, flagged.state],
            "error": flagged.failure_reason,
            "deleted": refusal(client.generations.get, id=slow.id),
            "bad_duration": refusal(create, model="ray-2", prompt="a cube", duration="7s"),
            "bad_keyframe": refusal(create, model="ray-2", prompt="abc", keyframes={"frame0": {**IMAGE, "url": "a"}}),
            "bad_key": refusal(stranger.generations.video.create, model="ray-2", prompt="a cube"),
        }
    )
)
