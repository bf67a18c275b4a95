"""What all paths have in common: the JSON object in a request's body, and how a refusal is said.

An error is {"error": {"kind": ..., "message": ...}}: 400 for a wrong argument, 404 for what is not there, 408 for
waiting too long, 409 for what Kafka refuses (its error's name comes first in the message), 500 for a mistake of ours.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from kbroker.control.door import told
from kbroker.control.table import ControlError

if TYPE_CHECKING:
    from starlette.requests import Request

STATUS = {"argument": 400, "unknown": 404, "missing": 404, "timeout": 408, "refused": 409, "failed": 500}
LONGEST_BODY = 256 << 20


async def object_of(request: Request, longest: int = LONGEST_BODY) -> dict[str, Any]:
    """The arguments; none at all is an empty object. ControlError for anything else, or above `longest` bytes."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > longest:
            raise ControlError("argument", f"a body has {longest} bytes at most")
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise ControlError("argument", f"the body is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ControlError("argument", "the body is no object with the arguments")
    return found


def refusal(error: Exception) -> JSONResponse:
    """Why nothing was done; what nobody foresaw is logged."""
    why = told(error)
    return JSONResponse({"error": why}, STATUS.get(why["kind"], 500))
