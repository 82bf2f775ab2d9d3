"""Makes a picture by the gateway's own images operation, and gives its address."""

from __future__ import annotations

import orjson

from gateway.agents.tools.tool import Arguments, Tool, ToolRefused, Work, text_of

MODEL = "nexevo/image-balanced"
PROMPT_CHARACTERS_MAX = 4_000


async def run(work: Work, arguments: Arguments) -> str:
    """The addresses of the picture that the prompt describes."""
    body = {
        "model": text_of(arguments, "model", characters_max=100, default=MODEL),
        "prompt": text_of(arguments, "prompt", characters_max=PROMPT_CHARACTERS_MAX),
        "response_format": "url",
        "n": 1,
    }
    if arguments.get("size"):
        body["size"] = text_of(arguments, "size", characters_max=16)
    answer = orjson.loads(await work.ask("images", orjson.dumps(body), "image"))
    urls = [drawn["url"] for drawn in answer["data"] if drawn.get("url")]
    if not urls:
        raise ToolRefused("The picture was made, but it has no address that could be shown.")
    return orjson.dumps({"urls": urls}).decode()


TOOL = Tool(
    name="generate_image",
    description="Makes a picture from a description, and returns its address.",
    parameters={
        "type": "object",
        "properties": {
            "prompt": {"type": "string", "maxLength": PROMPT_CHARACTERS_MAX},
            "size": {"type": "string", "description": "Such as '1024x1024'."},
            "model": {"type": "string", "description": f"A model of pictures; {MODEL} without one."},
        },
        "required": ["prompt"],
    },
    run=run,
    price="the picture's price, as POST /v1/images/generations charges it",
    time_limit_s=130.0,
    result_characters_max=8_000,
)
