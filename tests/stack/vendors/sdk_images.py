"""Prints as one JSON line the pictures that vendors' own SDKs read from the simulators, for the test to judge."""

import base64
import json
import sys
from importlib import import_module
from typing import Any

# Imported by name: the SDKs are not among the packages that this repository is type-checked with.
replicate: Any = import_module("replicate.client")
fal: Any = import_module("fal_client.client")
dashscope: Any = import_module("dashscope")
genai: Any = import_module("google.genai")
oauth2: Any = import_module("google.oauth2.credentials")

rows = json.loads(sys.argv[1])
PROMPT = "a fox"

flux = replicate.Client(api_token=rows["replicate"]["api_key"], base_url=rows["replicate"]["base_url"])
flux.poll_interval = 0.05
schnell = flux.models.predictions.create(
    "black-forest-labs/flux-schnell", input={"prompt": PROMPT, "aspect_ratio": "16:9", "num_outputs": 2}
)
schnell.wait()
blocked = flux.models.predictions.create(
    "black-forest-labs/flux-schnell", input={"prompt": "x [[sim: media_s=0 media_fail=moderation]]"}
)
blocked.wait()

fal.QUEUE_URL_FORMAT = rows["fal"]["base_url"] + "/"
queue = fal.SyncClient(key=rows["fal"]["api_key"])
queued = queue.subscribe(
    "fal-ai/flux/schnell", arguments={"prompt": PROMPT, "image_size": {"width": 512, "height": 256}, "num_images": 2}
)

dashscope.base_http_api_url = rows["dashscope"]["base_url"]
key = rows["dashscope"]["api_key"]
wan = dashscope.ImageSynthesis.call(model="wan2.5-t2i-preview", prompt=PROMPT, n=2, size="1280*720", api_key=key)
qwen = dashscope.MultiModalConversation.call(
    model="qwen-image-plus", messages=[{"role": "user", "content": [{"text": PROMPT}]}], size="1664*928", api_key=key
)

google = genai.Client(
    api_key=rows["gemini"]["api_key"], http_options=genai.types.HttpOptions(base_url=rows["gemini"]["base_url"])
)
# The SDK makes Imagen's pictures on Vertex alone.
vertex = genai.Client(
    vertexai=True,
    project=rows["vertex"]["project"],
    location=rows["vertex"]["location"],
    credentials=oauth2.Credentials(token=rows["vertex"]["api_key"]),
    http_options=genai.types.HttpOptions(base_url=rows["vertex"]["base_url"]),
)
imagen = vertex.models.generate_images(
    model="imagen-4.0-generate-001",
    prompt=PROMPT,
    config=genai.types.GenerateImagesConfig(number_of_images=2, aspect_ratio="9:16", include_rai_reason=True),
)
banana = google.models.generate_content(
    model="gemini-2.5-flash-image",
    contents=PROMPT,
    config=genai.types.GenerateContentConfig(response_modalities=["IMAGE"]),
)
sys.stdout.write(
    json.dumps(
        {
            "replicate": schnell.output,
            "blocked": [blocked.status, blocked.error],
            "fal": [image["url"] for image in queued["images"]],
            "wan": [result.url for result in wan.output.results],
            "qwen": [qwen.output.choices[0].message.content[0]["image"]],
            "imagen": [base64.b64encode(made.image.image_bytes).decode() for made in imagen.generated_images],
            "gemini": [
                base64.b64encode(part.inline_data.data).decode()
                for part in banana.candidates[0].content.parts
                if part.inline_data
            ],
            "gemini_tokens": banana.usage_metadata.candidates_token_count,
        }
    )
)
