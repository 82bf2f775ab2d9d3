"""Prints as one JSON line what Runway's own SDK reads from the simulator, for the test to judge."""

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

# Imported by name: the SDK is not among the packages that this repository is type-checked with.
sdk: Any = import_module("runwayml")

row = json.loads(sys.argv[1])
client = sdk.RunwayML(api_key=row["api_key"], base_url=row["base_url"], max_retries=0)
stranger = sdk.RunwayML(api_key="no", base_url=row["base_url"], max_retries=0)
from_text, from_image = client.text_to_video.create, client.image_to_video.create
IMAGE = row["image"]


def refusal(call: Callable[..., Any], **given: Any) -> int | None:
    try:
        call(**given)
    except sdk.APIStatusError as error:
        return int(error.status_code)
    return None


def end(task: Any) -> tuple[Any, list[str]]:
    seen: list[str] = []
    while True:
        told = client.tasks.retrieve(task.id)
        if told.status not in seen:
            seen.append(told.status)
        if told.status not in {"PENDING", "RUNNING"}:
            return told, seen
        time.sleep(0.02)


made, way = end(
    from_text(model="gen4.5", prompt_text="a cube [[sim: media_s=1.5]]", ratio="1280:720", duration=10, seed=7)
)
animated, _ = end(from_image(model="gen4_turbo", prompt_image=IMAGE, ratio="960:960", duration=2))
flagged, _ = end(
    from_text(model="veo3.1_fast", prompt_text="bad [[sim: media_s=0 media_fail=moderation]]", ratio="720:1280")
)
slow = from_text(model="gen4.5", prompt_text="slow [[sim: media_s=300]]", ratio="1280:720", duration=5)
client.tasks.delete(slow.id)
stopped, _ = end(slow)
text = {"model": "gen4.5", "prompt_text": "x", "ratio": "1280:720", "duration": 5}
sys.stdout.write(
    json.dumps(
        {
            "way": way,
            "video": made.output[0],
            "credits": made.cost.credits,
            "statuses": [animated.status, flagged.status, stopped.status],
            "error": flagged.failure_code,
            "bad_duration": refusal(from_text, **{**text, "duration": 11}),
            "bad_ratio": refusal(from_text, **{**text, "ratio": "960:960"}),
            "no_image": refusal(from_text, model="gen4_turbo", prompt_text="x", ratio="1280:720"),
            "bad_key": refusal(stranger.text_to_video.create, **text),
            "unknown": refusal(client.tasks.retrieve, id="0"),
        }
    )
)
