"""Prints as one JSON line what Replicate's own SDK reads from the simulator, for the test to judge."""

import json
import sys
from importlib import import_module
from typing import Any

# Imported by name: the SDK is not among the packages that this repository is type-checked with.
sdk: Any = import_module("replicate.client")
errors: Any = import_module("replicate.exceptions")
webhooks: Any = import_module("replicate.webhook").Webhooks

row = json.loads(sys.argv[1])
deliveries = json.loads(sys.argv[2])
client = sdk.Client(api_token=row["api_key"], base_url=row["base_url"])
client.poll_interval = 0.05
create = client.models.predictions.create
HUNYUAN_2 = "b1b9449a1277e10402781c5d41eb30c0a0683504fb23fab591ca9dfc2aabe1cb"


def refusal(name: str, **given: Any) -> list[Any]:
    try:
        create(name, input=given)
    except errors.ReplicateError as error:
        return [error.status, error.title]
    return []


video = create("minimax/hailuo-02", input={"prompt": "a cube", "duration": 6})
first = video.status
video.wait()
mesh = client.predictions.create(HUNYUAN_2, input={"image": row["image"]})
mesh.wait()
slow = create("minimax/hailuo-02", input={"prompt": "slow [[sim: media_s=30]]"})
slow.cancel()
flagged = create("minimax/hailuo-02", input={"prompt": "bad [[sim: media_s=0 media_fail=moderation]]"})
flagged.wait()
secret = client.webhooks.default.secret()
for delivery in deliveries:
    webhooks.validate(headers=delivery["headers"], body=delivery["body"], secret=secret, tolerance=60)
sys.stdout.write(
    json.dumps(
        {
            "statuses": [first, video.status, mesh.status, client.predictions.get(slow.id).status, flagged.status],
            "video": video.output,
            "mesh": mesh.output,
            "error": flagged.error,
            "bad_input": refusal("minimax/hailuo-02", prompt="x", duration=7),
            "unknown_model": refusal("another/model", prompt="x"),
            "deliveries": [json.loads(delivery["body"])["status"] for delivery in deliveries],
        }
    )
)
