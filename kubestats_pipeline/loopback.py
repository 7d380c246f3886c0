"""A port of this machine alone, which is taken before anything else is started that would need it."""

import errno
import socket

from kubestats_pipeline.errors import ExplainedError

HOST = "127.0.0.1"


class ServerError(ExplainedError):
    """Something cannot be served. The text says what to do."""


def listen(port: int) -> socket.socket:
    """Take a port on 127.0.0.1.

    Raises:
        ServerError: another program has the port, or it is not for this user.
    """
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait for the last connections
    try:
        server.bind((HOST, port))
        server.listen()
    except OSError as error:
        server.close()
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise ServerError(
            f"port {port} on {HOST} {why}. End what listens there, or choose another with --port"
        ) from None
    return server
