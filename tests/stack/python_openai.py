"""Prints as one JSON line what any version of the OpenAI SDK since 1.60 reads, for the test to judge."""

import json
import sys
from typing import Any

import openai

base_url, api_key = sys.argv[1:]
client: Any = openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0)
MODEL = "gpt-4o"
HELLO: Any = [{"role": "user", "content": "Hello!"}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def failure(**request: Any) -> str:
    try:
        answer = client.chat.completions.create(**request)
        if request.get("stream"):
            for _ in answer:
                pass
    except openai.APIStatusError as error:
        return f"{type(error).__name__} {error.status_code}"
    except openai.APIError as error:
        return type(error).__name__
    return "none"


whole = client.chat.completions.create(model=MODEL, messages=HELLO)
chunks = list(
    client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True})
)
# Silence before the first token and between tokens: comments must not disturb this SDK.
slow: Any = [{"role": "user", "content": "Hi [[sim: first_token_delay_ms=700 chunk_ms=350 chunks=4]]"}]
for _ in client.chat.completions.create(model=MODEL, messages=slow, stream=True):
    pass
asked: Any = [{"role": "user", "content": "What is the weather in Tokyo?"}]
call = client.chat.completions.create(model=MODEL, messages=asked, tools=[TOOL]).choices[0].message.tool_calls[0]
broken: Any = [{"role": "user", "content": "[[sim: chunks=20 chunk_ms=10 error_after=5]]"}]
sys.stdout.write(
    json.dumps(
        {
            "text": whole.choices[0].message.content,
            "total_tokens": whole.usage.total_tokens,
            "streamed": "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices),
            "streamed_total_tokens": chunks[-1].usage.total_tokens,
            "tool": call.function.name,
            "arguments": list(json.loads(call.function.arguments)),
            "not_found": failure(model="gpt-nothing", messages=HELLO),
            "bad_request": failure(model=MODEL, messages=HELLO, temperature=9),
            "broken_provider": failure(model=MODEL, messages=[{"role": "user", "content": "[[sim: status=500]]"}]),
            "broken_stream": failure(model=MODEL, messages=broken, stream=True),
            "models": [model.id for model in client.models.list() if model.id.startswith("nexevo/")],
        }
    )
)
