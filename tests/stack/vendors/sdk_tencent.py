"""Prints as one JSON line what Tencent Cloud's own SDK reads from the simulator, for the test to judge."""

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

# Imported by name: the SDK is not among the packages that this repository is type-checked with.
ai3d: Any = import_module("tencentcloud.ai3d.v20250513.ai3d_client")
models: Any = import_module("tencentcloud.ai3d.v20250513.models")
credential: Any = import_module("tencentcloud.common.credential")
errors: Any = import_module("tencentcloud.common.exception.tencent_cloud_sdk_exception")
profiles: Any = import_module("tencentcloud.common.profile.client_profile")
http_profiles: Any = import_module("tencentcloud.common.profile.http_profile")

row = json.loads(sys.argv[1])


def client(secret_key: str) -> Any:
    profile = http_profiles.HttpProfile(protocol="http", endpoint=urlsplit(row["base_url"]).netloc)
    keys = credential.Credential(row["api_key"], secret_key)
    return ai3d.Ai3dClient(keys, "ap-guangzhou", profiles.ClientProfile(httpProfile=profile))


def submitted(secret_key: str = row["secret_key"], **given: Any) -> str:
    request = models.SubmitHunyuanTo3DProJobRequest()
    request.from_json_string(json.dumps(given))
    return str(client(secret_key).SubmitHunyuanTo3DProJob(request).JobId)


def query(job_id: str) -> Any:
    request = models.QueryHunyuanTo3DProJobRequest()
    request.JobId = job_id
    return client(row["secret_key"]).QueryHunyuanTo3DProJob(request)


def ended(job_id: str) -> Any:
    while (told := query(job_id)).Status in {"WAIT", "RUN"}:
        time.sleep(0.05)
    return told


def refusal(call: Callable[[], Any]) -> str:
    try:
        call()
    except errors.TencentCloudSDKException as error:
        return str(error.code)
    return ""


waiting = query(submitted(Prompt="a cube [[sim: media_s=600]]"))
done = ended(submitted(Prompt="a cube", Model="3.1", ResultFormat="STL"))
failed = ended(submitted(Prompt="bad [[sim: media_s=0 media_fail=moderation]]"))
sys.stdout.write(
    json.dumps(
        {
            "statuses": [waiting.Status, done.Status, failed.Status],
            "files": {file.Type: file.Url for file in done.ResultFile3Ds},
            "error": failed.ErrorCode,
            "bad_key": refusal(lambda: submitted("no", Prompt="x")),
            "both": refusal(lambda: submitted(Prompt="x", ImageUrl="https://files.example/a.png")),
            "unknown_job": refusal(lambda: query("1")),
            "busy": refusal(lambda: submitted(Prompt="x [[sim: status=429]]")),
        }
    )
)
