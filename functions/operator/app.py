"""Shows the deployment to operators: the console asks for it by Invoke, as the person who visits it."""

from typing import Any

import orjson

from gateway.errors import GatewayError
from gateway.wiring.managed import managed
from gateway.wiring.overseeing import overseer


async def shown(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answers the event of an API Gateway, of which it reads the Authorization alone, as a proxy integration does."""
    (given, *_) = (event.get("multiValueHeaders") or {}).get("authorization") or [""]
    scheme, _, token = str(given).partition(" ")
    try:
        document = await overseer().view(token if scheme == "Bearer" else "")
    except GatewayError as error:
        refusal = {"error": {"message": str(error), "code": error.code, "param": None}}
        return {"statusCode": error.status, "body": orjson.dumps(refusal).decode()}
    return {"statusCode": 200, "body": orjson.dumps(document).decode()}


handler = managed(shown)
