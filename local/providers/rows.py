"""Lists every simulated provider row. A row that speaks a known wire is one line here."""

from __future__ import annotations

from local.providers import (
    anthropic,
    bedrock,
    bedrock_embeddings,
    cohere,
    cohere_chat,
    embeddings,
    gemini,
    gemini_embeddings,
    google_images,
    image_others,
    image_tasks,
    media_dashscope,
    media_fal,
    media_kling,
    media_luma,
    media_meshy,
    media_replicate,
    media_runway,
    media_tencent,
    media_veo,
    media_wire,
    media_xai,
    openai_chat,
    openai_dialects,
    openai_images,
    openai_moderations,
    openai_responses,
    rerank,
    speech,
    transcription,
)
from local.providers.wire import Wire

EMBEDDERS = (
    embeddings.OPENAI,
    embeddings.AZURE,
    embeddings.VOYAGE,
    embeddings.JINA,
    embeddings.MISTRAL,
    embeddings.QWEN,
)
WIRES: tuple[Wire, ...] = (
    *google_images.wires(),
    *image_tasks.wires(),
    *image_others.wires(),
    openai_chat.wire(openai_chat.OPENAI),
    openai_responses.wire(),
    openai_moderations.wire(),
    anthropic.wire(),
    gemini.wire(gemini.DEVELOPER),
    gemini.wire(gemini.VERTEX),
    bedrock.wire(),
    openai_chat.wire(openai_chat.DEEPSEEK),
    *(openai_chat.wire(dialect) for dialect in openai_dialects.DIALECTS),
    anthropic.vertex_wire(gemini.VERTEX.prefix, gemini.VERTEX.api_key),
    *(embeddings.wire(vendor) for vendor in EMBEDDERS),
    cohere.wire(),
    cohere_chat.wire(),
    gemini_embeddings.wire(),
    bedrock_embeddings.wire(),
    *rerank.wires(),
    *(speech.wire(vendor) for vendor in speech.VENDORS),
    *openai_images.wires(),
    *(transcription.wire(vendor) for vendor in transcription.VENDORS),
    media_wire.files(),
    media_veo.wire(gemini.DEVELOPER),
    media_veo.wire(gemini.VERTEX),
    media_dashscope.wire(),
    media_runway.wire(),
    media_luma.wire(),
    media_xai.wire(),
    media_replicate.wire(),
    media_fal.wire(),
    media_kling.wire(),
    media_meshy.wire(),
    media_tencent.wire(),
)


def addresses(root: str) -> dict[str, dict[str, str]]:
    """Maps each row to the settings with which its SDK reaches the simulator at `root`."""
    return {
        "openai": {"base_url": f"{root}/openai/v1", "api_key": openai_chat.OPENAI.api_key},
        "anthropic": {"base_url": root + anthropic.PREFIX, "api_key": anthropic.API_KEY},
        "gemini": {"base_url": root + gemini.DEVELOPER.prefix, "api_key": gemini.DEVELOPER.api_key},
        "vertex": {
            "base_url": root + gemini.VERTEX.prefix,
            "api_key": gemini.VERTEX.api_key,
            "project": "simulated-project",
            "location": "us-central1",
        },
        "bedrock": {
            "base_url": root + bedrock.PREFIX,
            "api_key": bedrock.API_KEY,
            "access_key_id": bedrock.ACCESS_KEY_ID,
            "secret_access_key": bedrock.SECRET_ACCESS_KEY,
            "region": bedrock.REGION,
        },
        **{row.row: {"base_url": root + row.prefix, "api_key": row.api_key} for row in openai_dialects.DIALECTS},
        "deepseek": {"base_url": f"{root}/deepseek", "api_key": openai_chat.DEEPSEEK.api_key},
        **{
            vendor.dialect.row: {"base_url": root + vendor.dialect.prefix, "api_key": vendor.dialect.api_key}
            for vendor in EMBEDDERS
        },
        "cohere": {"base_url": root + cohere.PREFIX, "api_key": cohere.API_KEY},
        "dashscope": {"base_url": root + media_dashscope.PREFIX, "api_key": media_dashscope.API_KEY},
        "runway": {"base_url": root + media_runway.PREFIX, "api_key": media_runway.API_KEY},
        "bfl": {"base_url": root + image_tasks.BFL_PREFIX, "api_key": image_tasks.BFL_KEY},
        "stability": {"base_url": root + image_others.STABILITY_PREFIX, "api_key": image_others.STABILITY_KEY},
        "luma": {"base_url": root + media_luma.PREFIX, "api_key": media_luma.API_KEY},
        "xai": {"base_url": root + media_xai.PREFIX, "api_key": media_xai.API_KEY},
        "replicate": {
            "base_url": root + media_replicate.PREFIX,
            "api_key": media_replicate.API_KEY,
            "webhook_secret": media_replicate.WEBHOOK_SECRET,
        },
        "fal": {
            "base_url": root + media_fal.PREFIX,
            "api_key": media_fal.API_KEY,
            "user_id": media_fal.USER,
            "jwks_url": root + media_fal.PREFIX + media_fal.JWKS_PATH,
        },
        "kling": {
            "base_url": root + media_kling.PREFIX,
            "api_key": media_kling.ACCESS_KEY,
            "secret_key": media_kling.SECRET_KEY,
        },
        "meshy": {"base_url": root + media_meshy.PREFIX, "api_key": media_meshy.API_KEY},
        "tencent": {
            "base_url": root,
            "api_key": media_tencent.SECRET_ID,
            "secret_key": media_tencent.SECRET_KEY,
        },
    }
