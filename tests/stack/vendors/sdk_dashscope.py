"""Prints as one JSON line what DashScope's own SDK reads from the simulator, for the test to judge."""

import json
import sys
import time
from importlib import import_module
from typing import Any

# Imported by name: the SDK is not among the packages that this repository is type-checked with.
sdk: Any = import_module("dashscope")

row = json.loads(sys.argv[1])
sdk.base_http_api_url = row["base_url"]
Synthesis = sdk.VideoSynthesis
IMAGE = row["image"]


def start(model: str = "wan2.6-t2v", key: str = row["api_key"], **given: Any) -> Any:
    return Synthesis.async_call(model=model, api_key=key, **given)


def end(task: Any) -> Any:
    while True:
        told = Synthesis.fetch(task, api_key=row["api_key"])
        if told.output.task_status not in {"PENDING", "RUNNING"}:
            return told
        time.sleep(0.02)


video = start(prompt="a cube", size="1280*720", duration=10, seed=7, negative_prompt="fog")
made = end(video)
animated = end(start("wan2.6-i2v", prompt="it turns", img_url=IMAGE, resolution="720P", duration=2))
flagged = end(start(prompt="bad [[sim: media_s=0 media_fail=moderation]]"))
slow = start(prompt="slow [[sim: media_s=300]]")
stopped = Synthesis.cancel(slow, api_key=row["api_key"])
lost = end(start(prompt="gone [[sim: media_lost]]"))
running = start(prompt="fast [[sim: media_s=0]]")
late = Synthesis.cancel(running, api_key=row["api_key"])
refused = [
    start(prompt="x", size="1*1"),
    start("wan2.6-i2v", prompt="x"),
    start("wan0", prompt="x"),
    start(prompt="x", key="no"),
]
sys.stdout.write(
    json.dumps(
        {
            "statuses": [task.output.task_status for task in (video, made, animated, flagged, end(slow), lost)],
            "video": made.output.video_url,
            "duration": made.usage["duration"],
            "error": flagged.output["code"],
            "cancels": [stopped.status_code, late.status_code, late.code],
            "refused": [[answer.status_code, answer.code] for answer in refused],
        }
    )
)
