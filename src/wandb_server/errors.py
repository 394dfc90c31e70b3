"""What a resolver or route raises when a request cannot be served; the client sees the message."""


class RequestError(Exception):
    """A fault in the request, answered with a GraphQL error or this HTTP status."""

    status = 400


class NotFoundError(RequestError):
    """The request names something that does not exist."""

    status = 404


class TooLargeError(RequestError):
    """A request body is over the limit."""

    status = 413
