"""Tests that the stack's S3 keeps every acknowledged object, for every end of the stack."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from local.aws_services import Services, start_moto
from local.children import Children

pytestmark = pytest.mark.servers

BUCKET, NAME = "media", "media/acct/gen_1/1-0.mp4"
PART_BYTES = 5 * 1024 * 1024


def client(endpoint: str) -> Any:
    return Services(endpoint, endpoint).client("s3")


def upload(endpoint: str) -> None:
    """Uploads an object of two parts, complete when this returns."""
    s3 = client(endpoint)
    s3.create_bucket(Bucket=BUCKET)
    where = {"Bucket": BUCKET, "Key": NAME, "UploadId": s3.create_multipart_upload(Bucket=BUCKET, Key=NAME)["UploadId"]}
    bodies = {1: bytes(PART_BYTES), 2: b"end"}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**where, PartNumber=number, Body=body)["ETag"]}
        for number, body in bodies.items()
    ]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})


def test_what_a_key_of_kms_has_wrapped_opens_after_a_restart_and_under_its_id_alone(tmp_path: Path) -> None:
    key_id, place = "00000000-0000-5000-8000-00000000000a", {"account_id": "acct"}

    async def main() -> tuple[bytes, bytes]:
        (tmp_path / "logs").mkdir()
        children = Children(tmp_path / "processes.json")
        await children.start()
        try:
            found = []
            wrapped = b""
            for _ in range(2):
                endpoint = await start_moto(children, tmp_path, dict(os.environ))
                kms = Services(endpoint, endpoint).client("kms")
                for _ in range(2):
                    await asyncio.to_thread(kms.create_key, Description=key_id)
                if not wrapped:
                    made = await asyncio.to_thread(
                        kms.generate_data_key, KeyId=key_id, KeySpec="AES_256", EncryptionContext=place
                    )
                    wrapped = made["CiphertextBlob"]
                opened = await asyncio.to_thread(
                    kms.decrypt, KeyId=key_id, CiphertextBlob=wrapped, EncryptionContext=place
                )
                found.append(opened["Plaintext"])
                (process,) = children._alive.values()
                children.kill(process)
                await process.wait()
            return found[0], found[1]
        finally:
            await children.end_all()

    before, after = asyncio.run(main())
    assert len(before) == 32
    assert before == after


@pytest.mark.parametrize("deleted", [False, True])
def test_an_object_or_its_end_outlives_a_process_that_is_killed(tmp_path: Path, deleted: bool) -> None:
    async def main() -> list[str]:
        (tmp_path / "logs").mkdir()
        children = Children(tmp_path / "processes.json")
        await children.start()
        try:
            endpoint = await start_moto(children, tmp_path, dict(os.environ))
            await asyncio.to_thread(upload, endpoint)
            if deleted:
                await asyncio.to_thread(client(endpoint).delete_object, Bucket=BUCKET, Key=NAME)
            (process,) = children._alive.values()
            children.kill(process)
            await process.wait()
            endpoint = await start_moto(children, tmp_path, dict(os.environ))
            listed = await asyncio.to_thread(client(endpoint).list_objects_v2, Bucket=BUCKET)
            return [f"{row['Key']} {row['Size']}" for row in listed.get("Contents", [])]
        finally:
            await children.end_all()

    assert asyncio.run(main()) == ([] if deleted else [f"{NAME} {PART_BYTES + 3}"])
