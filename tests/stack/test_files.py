"""Tests of uploaded files by the official SDKs over a socket: kept, listed, read, deleted, and read by models."""

import base64
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack
from tests.untrusted.file_forms import PDF
from tests.untrusted.pillow_files import PNG

MODELS = ["gpt-4o", "claude-haiku-4-5", "aws/claude-haiku-4-5", "gemini-2.5-flash"]
QUESTION = {"type": "text", "text": "What is this?"}


@pytest.fixture
def claude(stack: Stack) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=stack.root_url, api_key=stack.api_key, max_retries=0) as made:
        yield made


def inline(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def test_openai_s_sdk_keeps_lists_reads_and_deletes_files(stack: Stack) -> None:
    fresh = stack.with_new_account("1")
    with openai.OpenAI(base_url=fresh.base_url, api_key=fresh.api_key, max_retries=0) as client:
        made = [
            client.files.create(
                file=(f"{number}.pdf", PDF, "application/pdf"),
                purpose="user_data",
                expires_after={"anchor": "created_at", "seconds": 3600},
            )
            for number in range(3)
        ]
        assert [(one.object, one.status, one.bytes) for one in made] == [("file", "processed", len(PDF))] * 3
        assert [one.expires_at for one in made] == [one.created_at + 3600 for one in made]
        # The SDK goes from page to page by itself.
        assert [one.id for one in client.files.list(limit=1)] == [one.id for one in reversed(made)]
        assert [one.id for one in client.files.list(order="asc", purpose="user_data")] == [one.id for one in made]
        assert client.files.retrieve(made[0].id) == made[0]
        assert client.files.content(made[0].id).read() == PDF
        assert client.files.delete(made[0].id).deleted
        with pytest.raises(openai.NotFoundError):
            client.files.content(made[0].id)
        with pytest.raises(openai.BadRequestError) as refused:
            client.files.create(file=("a.jsonl", b"{}"), purpose="assistants")
        assert refused.value.param == "purpose"


@pytest.mark.parametrize("model", MODELS)
def test_chat_reads_a_file_by_its_id_as_if_it_came_inline(sdk: openai.OpenAI, model: str) -> None:
    paper = sdk.files.create(file=("paper.pdf", PDF), purpose="user_data").id
    picture = sdk.files.create(file=("cat.png", PNG), purpose="vision").id

    def tokens(image: str, file: dict[str, str]) -> int:
        parts: list[Any] = [
            QUESTION,
            {"type": "image_url", "image_url": {"url": image}},
            {"type": "file", "file": file},
        ]
        answer = sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}])
        assert answer.choices[0].message.content
        assert answer.usage is not None
        return answer.usage.prompt_tokens

    sent = {"filename": "file.pdf", "file_data": inline(PDF, "application/pdf")}
    assert tokens(picture, {"file_id": paper}) == tokens(inline(PNG, "image/png"), sent)


def test_responses_read_a_file_by_its_id_and_go_on_from_it(sdk: openai.OpenAI) -> None:
    paper = sdk.files.create(file=("paper.pdf", PDF), purpose="user_data").id
    picture = sdk.files.create(file=("cat.png", PNG), purpose="vision").id
    parts: list[Any] = [
        {"type": "input_file", "file_id": paper},
        {"type": "input_image", "file_id": picture, "detail": "auto"},
        {"type": "input_text", "text": "What is this?"},
    ]
    first = sdk.responses.create(model="gpt-4o", input=[{"role": "user", "content": parts}])
    assert first.output_text
    further = sdk.responses.create(model="gpt-4o", input="And?", previous_response_id=first.id)
    assert further.output_text
    # What is kept of a turn names the file: once that is gone, the conversation cannot be sent any more.
    sdk.files.delete(paper)
    with pytest.raises(openai.NotFoundError) as refused:
        sdk.responses.create(model="gpt-4o", input="And?", previous_response_id=first.id)
    assert refused.value.code == "file_not_found"


def test_a_response_in_the_background_reads_a_file(sdk: openai.OpenAI) -> None:
    paper = sdk.files.create(file=("paper.pdf", PDF), purpose="user_data").id
    parts: list[Any] = [{"type": "input_file", "file_id": paper}, {"type": "input_text", "text": "What is this?"}]
    with sdk.responses.create(
        model="gpt-4o", input=[{"role": "user", "content": parts}], background=True, stream=True
    ) as stream:
        ended = list(stream)[-1]
    assert ended.type == "response.completed", ended


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "gpt-4o"])
def test_anthropic_s_sdk_keeps_files_and_messages_read_them(claude: anthropic.Anthropic, model: str) -> None:
    paper = claude.beta.files.upload(file=("paper.pdf", PDF, "application/pdf"))
    assert (paper.type, paper.filename, paper.mime_type) == ("file", "paper.pdf", "application/pdf")
    assert paper.size_bytes == len(PDF)
    assert paper.id in {one.id for one in claude.beta.files.list(limit=1)}
    assert claude.beta.files.retrieve_metadata(paper.id) == paper
    assert claude.beta.files.download(paper.id).read() == PDF

    def message(source: Any) -> int:
        blocks: list[Any] = [QUESTION, {"type": "document", "source": source}]
        answer = claude.beta.messages.create(
            model=model,
            max_tokens=50,
            messages=[{"role": "user", "content": blocks}],
            betas=["files-api-2025-04-14"],
        )
        return answer.usage.input_tokens

    def counted(source: Any) -> int:
        blocks: list[Any] = [QUESTION, {"type": "document", "source": source}]
        betas = ["files-api-2025-04-14"]
        asked: list[Any] = [{"role": "user", "content": blocks}]
        return claude.beta.messages.count_tokens(model=model, messages=asked, betas=betas).input_tokens

    sent = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(PDF).decode()}
    assert counted({"type": "file", "file_id": paper.id}) == counted(sent)
    assert message({"type": "file", "file_id": paper.id}) == message(sent)
    assert claude.beta.files.delete(paper.id).id == paper.id
    with pytest.raises(anthropic.NotFoundError):
        claude.beta.files.retrieve_metadata(paper.id)


def test_a_file_above_the_inline_limit_comes_by_a_presigned_form_and_is_read(stack: Stack, sdk: openai.OpenAI) -> None:
    large = PDF[:-6] + b"\n" * 5_000_000 + PDF[-6:]
    with pytest.raises(openai.APIStatusError) as refused:
        sdk.files.create(file=("large.pdf", large), purpose="user_data")
    assert refused.value.status_code == 413
    assert "/v1/files/presign" in refused.value.message
    asked = {"purpose": "user_data", "size": len(large), "type": "application/pdf", "filename": "large.pdf"}
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    form = httpx.post(
        f"{stack.base_url}/files/presign", json=asked, headers=headers, timeout=HANGS_AFTER_S, trust_env=False
    ).json()
    files = {"file": ("large.pdf", large)}
    sent = httpx.post(form["url"], data=form["fields"], files=files, timeout=HANGS_AFTER_S, trust_env=False)
    assert sent.is_success, sent.text
    assert sdk.files.retrieve(form["id"]).bytes == len(large)
    parts: list[Any] = [QUESTION, {"type": "file", "file": {"file_id": form["id"]}}]
    answer = sdk.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content
