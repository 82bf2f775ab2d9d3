"""Prints as one JSON line what fal's own SDK reads from the simulator, for the test to judge."""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

# Imported by name: the SDK is not among the packages that this repository is type-checked with.
sdk: Any = import_module("fal_client.client")

row = json.loads(sys.argv[1])
# The SDK accepts a host only with the scheme of the real one.
sdk.QUEUE_URL_FORMAT = row["base_url"] + "/"
client = sdk.SyncClient(key=row["api_key"])
stranger = sdk.SyncClient(key="no")
MODEL = "fal-ai/kling-video/v2.5-turbo/pro/text-to-video"


def refusal(call: Callable[[], Any]) -> list[Any]:
    try:
        call()
    except sdk.FalClientHTTPError as error:
        return [error.status_code, error.message if isinstance(error.message, str) else error.message[0]["type"]]
    return []


handle = client.submit(MODEL, arguments={"prompt": "a cube [[sim: media_s=6]]", "duration": "10"})
seen = {type(status).__name__ for status in handle.iter_events(with_logs=True, interval=0.02)}
video = handle.get()["video"]
model = client.subscribe("fal-ai/hunyuan3d-v3/text-to-3d", arguments={"prompt": "a cube"})["model_glb"]
slow = client.submit(MODEL, arguments={"prompt": "slow [[sim: media_s=30]]"})
slow.cancel()
flagged = client.submit(MODEL, arguments={"prompt": "bad [[sim: media_s=0 media_fail=moderation]]"})
sys.stdout.write(
    json.dumps(
        {
            "seen": sorted(seen),
            "video": video,
            "model": model,
            "canceled": slow.status().error_type,
            "flagged": refusal(flagged.get),
            "bad_input": refusal(lambda: client.submit(MODEL, arguments={"duration": "7"})),
            "unknown_app": refusal(lambda: client.submit("fal-ai/else", arguments={})),
            "bad_key": refusal(lambda: stranger.submit(MODEL, arguments={"prompt": "x"})),
        }
    )
)
