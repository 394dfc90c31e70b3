"""Request bodies of bounded size: forms, and JSON, which may be compressed."""

import zlib
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from src.wandb_server.api.arguments import parse_json
from src.wandb_server.errors import RequestError, TooLargeError

MAX_BODY = 64 * 2**20
MAX_FORM = 2**18  # an address as long as uvicorn takes one, 64 KiB, with every character quoted


def check_declared_size(request: Request, limit: int) -> None:
    """Refuse a body that says itself that it is too large, before any of it is read.

    Raises:
        TooLargeError: If it does.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
        raise TooLargeError("the body is too large")


async def form_body(request: Request) -> bytes:
    """The body of a form as it was sent.

    Raises:
        TooLargeError: If it is too large.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise TooLargeError("the form is too large")
    return bytes(body)


async def json_body(request: Request) -> Any:
    """The decoded body of a request.

    Raises:
        RequestError: If it is too large, broken off, or not JSON.
    """
    check_declared_size(request, MAX_BODY)
    gzipped = request.headers.get("content-encoding", "").lower() == "gzip"
    inflate = zlib.decompressobj(wbits=31) if gzipped else None
    body = bytearray()
    async for chunk in request.stream():
        try:
            body += inflate.decompress(chunk, MAX_BODY + 1 - len(body)) if inflate else chunk
        except zlib.error:
            raise RequestError("the body is not valid gzip") from None
        if len(body) > MAX_BODY:
            raise TooLargeError("the body is too large")
    if inflate and not inflate.eof:
        raise RequestError("the body is not valid gzip")
    try:
        return await run_in_threadpool(parse_json, body.decode(), "body")
    except UnicodeDecodeError:
        raise RequestError("the body is not UTF-8") from None
