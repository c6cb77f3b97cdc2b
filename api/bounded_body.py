"""Reading a request body that may be too long, too slow, or never end."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from api.door.bounded import BodyTooLong, read_bounded
from api.problems import Problem

#: Of every request but webhooks (the door has its own bound).
BODY_BYTES_MAX = 256 * 1024
BODY_SECONDS_MAX = 10.0


async def whole_body(request: Request) -> bytes:
    """The raw body. Raises Problem (413, 408, 400)."""
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            return await read_bounded(request, BODY_BYTES_MAX)
    except BodyTooLong:
        raise Problem(413, "body-too-long", f"A body has at most {BODY_BYTES_MAX} bytes.") from None
    except TimeoutError:
        detail = f"The body did not arrive within {BODY_SECONDS_MAX:.0f} s."
        raise Problem(408, "body-too-slow", detail, headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "body-incomplete", "The sender went away before the end of the body.") from None
