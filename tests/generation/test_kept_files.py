"""Tests of accounts' files: created, listed, shown and deleted as OpenAI's and Anthropic's SDKs do it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.files.inputs import LIFETIME_S
from tests.control_plane.harness import NOW_S, refusal
from tests.generation.studio import ACCOUNT, OTHER_KEY, PNG, Studio
from tests.untrusted.file_forms import PDF, WAV

pytestmark = pytest.mark.anyio

NOTES = ("notes.md", b"# Notes\n", "text/markdown")
PAPER = ("paper.pdf", PDF, "application/pdf")
ANTHROPIC = {"anthropic-version": "2023-06-01", "anthropic-beta": "files-api-2025-04-14"}


async def created(
    studio: Studio, file: tuple[str, bytes, str] = PAPER, data: dict[str, str] | None = None, **rest: Any
) -> dict[str, Any]:
    data = {"purpose": "user_data"} if data is None else data
    answer = await studio.ask("POST", "/v1/files", files={"file": file}, data=data, **rest)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def listed(studio: Studio, query: str = "", **rest: Any) -> dict[str, Any]:
    answer = await studio.ask("GET", f"/v1/files{query}", **rest)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def test_a_file_is_created_shown_and_deleted(studio: Studio) -> None:
    made = await created(studio)
    assert made == {
        "id": made["id"],
        "object": "file",
        "bytes": len(PDF),
        "created_at": int(NOW_S),
        "expires_at": int(NOW_S) + LIFETIME_S,
        "filename": "paper.pdf",
        "purpose": "user_data",
        "status": "processed",
        "status_details": None,
    }
    path, name = f"/v1/files/{made['id']}", f"uploads/{ACCOUNT}/{made['id']}"
    assert (await studio.ask("GET", path)).json() == made
    assert await studio.objects.read(name, 0, 10**6) == PDF
    gone = await studio.ask("DELETE", path)
    assert gone.json() == {"id": made["id"], "object": "file", "deleted": True}
    assert await studio.objects.read(name, 0, 10**6) is None
    assert refusal(await studio.ask("GET", path)) == (404, "file_not_found", "id")
    assert refusal(await studio.ask("DELETE", path)) == (404, "file_not_found", "id")


async def test_its_content_is_sent_on_to_under_its_name(studio: Studio) -> None:
    made = await created(studio)
    answer = await studio.ask("GET", f"/v1/files/{made['id']}/content")
    assert answer.status_code == 302
    url = f"https://media.invalid/uploads/{ACCOUNT}/{made['id']}?until={int(NOW_S) + 86_400}&file=paper.pdf"
    assert answer.headers["location"] == url


@pytest.mark.parametrize(
    ("file", "purpose"),
    [(NOTES, "user_data"), (("a.wav", WAV, "audio/wav"), "user_data"), (("a.png", PNG, "image/png"), "vision")],
)
async def test_a_purpose_takes_what_models_read_for_it(
    studio: Studio, file: tuple[str, bytes, str], purpose: str
) -> None:
    assert (await created(studio, file, {"purpose": purpose}))["filename"] == file[0]


async def test_a_page_is_kept_as_plain_text(studio: Studio) -> None:
    page = ("page.html", b"<html><script>alert(1)</script></html>", "text/html")
    made = await created(studio, page)
    facts = await studio.objects.facts(f"uploads/{ACCOUNT}/{made['id']}")
    assert facts is not None
    assert facts.mime_type == "text/plain"


@pytest.mark.parametrize(
    ("file", "data", "told"),
    [
        (PAPER, {}, (400, "missing_required_parameter", "purpose")),
        (PAPER, {"purpose": "assistants"}, (400, "invalid_value", "purpose")),
        (PAPER, {"purpose": "vision"}, (400, None, "file")),
        (("a.pdf", PNG, "application/pdf"), {"purpose": "user_data"}, (400, None, "file")),
        (("a.pdf", b"plain text", "application/pdf"), {"purpose": "user_data"}, (400, None, "file")),
        (("a.bin", b"\x00\x01\x02", "application/octet-stream"), {"purpose": "user_data"}, (400, None, "file")),
        (PAPER, {"purpose": "user_data", "other": "x"}, (400, "unknown_parameter", "other")),
        (
            PAPER,
            {"purpose": "user_data", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3599"},
            (400, "integer_below_min_value", "expires_after.seconds"),
        ),
    ],
)
async def test_what_is_wrong_with_a_file_is_named(
    studio: Studio, file: tuple[str, bytes, str], data: dict[str, str], told: tuple[int, str | None, str]
) -> None:
    answer = await studio.ask("POST", "/v1/files", files={"file": file}, data=data)
    assert refusal(answer)[::2] == told[::2], answer.text
    assert (await listed(studio))["data"] == []


async def test_a_larger_file_is_sent_to_the_presigned_form(studio: Studio) -> None:
    large = ("a.txt", b"x" * 4_500_000, "text/plain")
    answer = await studio.ask("POST", "/v1/files", files={"file": large}, data={"purpose": "user_data"})
    assert refusal(answer) == (413, "request_too_large", None)
    assert "/v1/files/presign" in answer.json()["error"]["message"]


async def test_a_file_expires_when_it_was_asked_to(studio: Studio) -> None:
    asked = {"purpose": "user_data", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    made = await created(studio, data=asked)
    assert made["expires_at"] == made["created_at"] + 3600
    studio.clock.at_s += 3600
    assert refusal(await studio.ask("GET", f"/v1/files/{made['id']}"))[0] == 404
    assert (await listed(studio))["data"] == []


async def test_files_are_listed_page_by_page_newest_first(studio: Studio) -> None:
    ids = []
    for number in range(5):
        studio.clock.at_s += 1
        ids.append((await created(studio, (f"{number}.pdf", PDF, "application/pdf")))["id"])
    first = await listed(studio, "?limit=2")
    assert ([one["id"] for one in first["data"]], first["has_more"]) == ([ids[4], ids[3]], True)
    rest = await listed(studio, f"?limit=100&after={first['last_id']}")
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == ([ids[2], ids[1], ids[0]], False)
    oldest = await listed(studio, "?order=asc&limit=1")
    assert [one["id"] for one in oldest["data"]] == [ids[0]]
    assert (await listed(studio, "?purpose=vision"))["data"] == []


async def test_a_page_after_a_file_that_there_is_not_is_an_error(studio: Studio) -> None:
    kept, theirs = await created(studio), await created(studio, key=OTHER_KEY)
    gone = await created(studio)
    await studio.ask("DELETE", f"/v1/files/{gone['id']}")
    assert (await listed(studio, f"?after={kept['id']}"))["object"] == "list"
    for wrong in "file-zzz", gone["id"], theirs["id"]:
        assert refusal(await studio.ask("GET", f"/v1/files?after={wrong}")) == (404, "file_not_found", "after")
    theirs_too = await studio.ask("GET", "/v1/files?after_id=file-zzz", headers=ANTHROPIC)
    assert (theirs_too.status_code, theirs_too.json()["error"]["type"]) == (404, "not_found_error")


async def test_a_file_is_its_account_s_alone(studio: Studio) -> None:
    made = await created(studio)
    assert (await listed(studio, key=OTHER_KEY))["data"] == []
    for method, part in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        answer = await studio.ask(method, f"/v1/files/{made['id']}{part}", key=OTHER_KEY)
        assert refusal(answer) == (404, "file_not_found", "id")
    assert (await studio.ask("GET", f"/v1/files/{made['id']}")).status_code == 200


async def test_a_creation_under_one_idempotency_key_is_one_file(studio: Studio) -> None:
    headers = {"Idempotency-Key": "one"}
    assert await created(studio, headers=headers) == await created(studio, headers=headers)
    assert len((await listed(studio))["data"]) == 1


async def test_a_presigned_file_is_one_once_it_has_come(studio: Studio) -> None:
    asked = {"purpose": "user_data", "size": 5_000_000, "type": "application/pdf", "filename": "big.pdf"}
    form = (await studio.ask("POST", "/v1/files/presign", asked)).json()
    path = f"/v1/files/{form['id']}"
    assert (await studio.ask("GET", path)).status_code == 404
    assert (await listed(studio))["data"] == []
    await studio.objects.put(form["fields"]["key"], PDF, "application/pdf")
    (one,) = (await listed(studio))["data"]
    assert (one["filename"], one["bytes"], one["purpose"]) == ("big.pdf", len(PDF), "user_data")
    assert (await studio.ask("GET", path)).json() == one


async def test_files_that_have_not_come_do_not_end_a_list(studio: Studio) -> None:
    first = await created(studio)
    for _ in range(3):
        studio.clock.at_s += 1
        await studio.ask("POST", "/v1/files/presign", {"purpose": "vision", "size": 10, "type": "image/png"})
    assert [one["id"] for one in (await listed(studio, "?limit=1"))["data"]] == [first["id"]]


async def test_anthropic_s_clients_see_its_shapes(studio: Studio) -> None:
    made = await created(studio, data={}, headers=ANTHROPIC)
    assert made == {
        "id": made["id"],
        "type": "file",
        "filename": "paper.pdf",
        "mime_type": "application/pdf",
        "size_bytes": len(PDF),
        "created_at": "2026-11-21T06:40:10Z",
        "downloadable": True,
    }
    page = await listed(studio, headers=ANTHROPIC)
    assert page == {"data": [made], "first_id": made["id"], "last_id": made["id"], "has_more": False}
    gone = await studio.ask("DELETE", f"/v1/files/{made['id']}", headers=ANTHROPIC)
    assert gone.json() == {"id": made["id"], "type": "file_deleted"}
    missing = (await studio.ask("GET", f"/v1/files/{made['id']}", headers=ANTHROPIC)).json()
    assert (missing["type"], missing["error"]["type"]) == ("error", "not_found_error")
