"""Prints as one JSON line what the vendors' own SDKs read of sound from the simulators, for the test to judge."""

import hashlib
import json
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

rows, text, file = json.loads(sys.argv[1]), json.loads(sys.argv[2]), Path(json.loads(sys.argv[3])).read_bytes()


def sdk(name: str) -> Any:
    """Imports an SDK by name: it is not among the packages that this repository is type-checked with."""
    return import_module(name)


def digest(pieces: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(pieces)).hexdigest()


def elevenlabs() -> dict[str, Any]:
    row = rows["elevenlabs"]
    client = sdk("elevenlabs").ElevenLabs(api_key=row["api_key"], base_url=row["base_url"])
    said = client.text_to_speech.stream(
        "JBFqnCBsd6RMkjVDRZzb", text=text, model_id="eleven_multilingual_v2", output_format="mp3_44100_128"
    )
    heard = client.speech_to_text.convert(model_id="scribe_v1", file=("a.wav", file), diarize=True)
    words = [word.text for word in heard.words if word.type == "word"]
    return {"said": digest(said), "text": heard.text, "words": words}


def deepgram() -> dict[str, Any]:
    row = rows["deepgram"]
    places = dict.fromkeys(("base", "production", "agent", "agent_rest"), row["base_url"])
    environment = sdk("deepgram.environment").DeepgramClientEnvironment
    known = {name: place for name, place in places.items() if name in environment.__init__.__code__.co_varnames}
    client = sdk("deepgram").DeepgramClient(api_key=row["api_key"], environment=environment(**known))
    said = client.speak.v1.audio.generate(text=text, model="aura-2-thalia-en", encoding="mp3")
    heard = client.listen.v1.media.transcribe_file(request=file, model="nova-3", utterances=True, diarize=True)
    (channel,) = heard.results.channels
    found = channel.alternatives[0]
    return {"said": digest(said), "text": found.transcript, "words": [word.punctuated_word for word in found.words]}


def mistral() -> dict[str, Any]:
    row = rows["mistral"]
    client = sdk("mistralai.client").Mistral(api_key=row["api_key"], server_url=row["base_url"].removesuffix("/v1"))
    heard = client.audio.transcriptions.complete(
        model="voxtral-mini-latest", file={"content": file, "file_name": "a.wav"}, timestamp_granularities=["segment"]
    )
    return {"text": heard.text, "segments": [each.text for each in heard.segments]}


def groq() -> dict[str, Any]:
    row = rows["groq"]
    client = sdk("groq").Groq(
        api_key=row["api_key"], base_url=row["base_url"].removesuffix("/openai/v1"), max_retries=0
    )
    said = client.audio.speech.create(
        model="canopylabs/orpheus-v1-english", voice="hannah", input=text, response_format="wav"
    )
    heard = client.audio.transcriptions.create(model="whisper-large-v3", file=("a.wav", file))
    return {"said": digest([said.read()]), "text": heard.text}


sys.stdout.write(json.dumps({"elevenlabs": elevenlabs(), "deepgram": deepgram(), "mistral": mistral(), "groq": groq()}))
