"""Reading a request body that may be too long, or never end."""

from starlette.requests import Request


class BodyTooLong(Exception):
    """The request body is longer than the door takes."""


async def read_bounded(request: Request, bytes_max: int) -> bytes:
    """The raw body, byte for byte.

    Raises BodyTooLong as soon as the bound is certain to be passed: by its announced length before anything
    is read, else at the first chunk beyond it. Starlette's ClientDisconnect passes through.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > bytes_max:
        raise BodyTooLong
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > bytes_max:
            raise BodyTooLong
        body += chunk
    return bytes(body)
