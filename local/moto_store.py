"""Saves S3's objects, keys of KMS, and DynamoDB's items where moto replaces DynamoDB Local, in the data directory.

Each file is replaced in one step; moto itself keeps everything in memory. Objects are saved before the change is
answered, because the client may never check it again. Items are saved soon after it.
"""

import hashlib
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import Key, KmsBackend
from moto.s3.models import FakeBucket, FakeKey, s3_backends

from local.resource_names import ACCOUNT_ID, REGION


class S3Objects:
    """One folder per bucket, with a file per object, named by its key's hash, and an index of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved: dict[tuple[str, str], str] = {}
        self._saving = threading.Lock()

    def restore(self) -> None:
        backend = s3_backends[ACCOUNT_ID]["aws"]
        for index in sorted(self._folder.glob("*/index.json")):
            bucket = index.parent.name
            backend.create_bucket(bucket, REGION)
            for row in orjson.loads(index.read_bytes()):
                key = backend.put_object(
                    bucket, row["key"], (index.parent / row["file"]).read_bytes(), etag=row["etag"].strip('"')
                )
                key.set_metadata(row["metadata"])
                self._saved[bucket, row["key"]] = row["etag"]

    def save(self) -> None:
        with self._saving:
            for bucket in list(s3_backends[ACCOUNT_ID]["aws"].buckets.values()):
                self._save_bucket(bucket)

    def _save_bucket(self, bucket: FakeBucket) -> None:
        folder = self._folder / bucket.name
        folder.mkdir(parents=True, exist_ok=True)
        rows = [self._save_object(folder, bucket.name, key) for _name, key in list(bucket.keys.items())]
        _replace(folder / "index.json", orjson.dumps(rows))
        kept = {"index.json", *(row["file"] for row in rows)}
        for file in folder.iterdir():
            if file.name not in kept:
                file.unlink()

    def _save_object(self, folder: Path, bucket: str, key: FakeKey) -> dict[str, Any]:
        file = hashlib.sha256(key.name.encode()).hexdigest()
        if self._saved.get((bucket, key.name)) != key.etag:
            _replace(folder / file, key.value)
            self._saved[bucket, key.name] = key.etag
        return {"key": key.name, "file": file, "etag": key.etag, "metadata": dict(key.metadata)}


class DynamoItems:
    """One file per table. Items are loaded when the stack has created the table again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._restored: set[str] = set()

    def restore_table(self, name: str) -> None:
        file = self._folder / f"{name}.json"
        if name not in self._restored and file.is_file():
            table = dynamodb_backends[ACCOUNT_ID][REGION].tables[name]
            for item in orjson.loads(file.read_bytes()):
                table.put_item(item)
        self._restored.add(name)

    def save(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(self._restored):
            table = dynamodb_backends[ACCOUNT_ID][REGION].tables[name]
            items = [item.to_json()["Attributes"] for item in table.all_items()]
            _replace(self._folder / f"{name}.json", orjson.dumps(items))


class KmsKeys:
    """One file per key with its material, so that what a key has wrapped opens after a restart too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def adapt(self) -> None:
        """Has moto create keys with the id in their description, once each, and with the material kept for it."""
        created = KmsBackend.create_key

        def kept(backend: KmsBackend, *described: Any, **more: Any) -> Key:
            key = created(backend, *described, **more)
            if not _is_id(key.description):
                return key
            del backend.keys[key.id]
            stands = backend.keys.setdefault(key.description, key)
            if stands is key:
                key.id = key.description
                key.arn = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/{key.id}"
                key.key_material = self._material(key)
            return stands

        setattr(KmsBackend, "create_key", kept)  # noqa: B010  # mypy refuses a plain one

    def _material(self, key: Key) -> bytes:
        file = self._folder / key.id
        if not file.is_file():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(file, key.key_material)
        return file.read_bytes()


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _replace(file: Path, content: bytes) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(file)
