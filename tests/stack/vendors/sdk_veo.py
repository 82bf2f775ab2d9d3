"""Prints as one JSON line what Google's last SDK with Veo on the Developer API reads from the simulator."""

import json
import sys
import time
from importlib import import_module
from typing import Any

# Imported by name: this is another version than the one that this repository is type-checked with.
genai: Any = import_module("google.genai")
types: Any = import_module("google.genai.types")
errors: Any = import_module("google.genai.errors")

row = json.loads(sys.argv[1])
client = genai.Client(api_key=row["api_key"], http_options={"base_url": row["base_url"]})
MODEL = "veo-3.1-fast-generate-preview"


def start(prompt: str, image: Any = None, **config: Any) -> Any:
    source = types.GenerateVideosSource(prompt=prompt, image=image)
    return client.models.generate_videos(model=MODEL, source=source, config=config)


def end(operation: Any) -> Any:
    while not operation.done:
        time.sleep(0.02)
        operation = client.operations.get(operation)
    return operation


def refusal(**config: Any) -> list[Any]:
    try:
        start("x", **config)
    except errors.APIError as error:
        return [error.code, error.status]
    return []


made = end(start("a cube", duration_seconds=8, aspect_ratio="9:16", resolution="720p", negative_prompt="fog"))
animated = end(start("it turns", types.Image(image_bytes=b"\x89PNG", mime_type="image/png"), duration_seconds=4))
flagged = end(start("bad [[sim: media_s=0 media_fail=moderation]]"))
broken = end(start("bad [[sim: media_s=0 media_fail=internal]]"))
uri = made.response.generated_videos[0].video.uri
# The SDK accepts an address of a file only with the scheme of the real one.
content = client.files.download(file="files/" + uri.rpartition("/")[2].partition(":")[0])
sys.stdout.write(
    json.dumps(
        {
            "name": made.name,
            "uri": uri,
            "size_bytes": len(content),
            "is_mp4": content[4:8] == b"ftyp",
            "animated": len(animated.response.generated_videos),
            "filtered": [flagged.response.generated_videos, flagged.response.rai_media_filtered_count],
            "error": broken.error["code"],
            "bad_duration": refusal(duration_seconds=5),
            "bad_ratio": refusal(aspect_ratio="1:1"),
        }
    )
)
