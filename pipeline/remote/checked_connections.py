"""Connections whose other end is looked at before anything is asked of it.

Who has a name may tell one number to whoever looks whether it is public, and the next moment another to whoever
connects: what counts is the number that the connection has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

Check = Callable[[str, str], None]
"""Called with the host that is asked for and the number of the one that is connected; raises where it is refused."""


def adapter(check: Check) -> requests.adapters.HTTPAdapter:
    """What connects a session of requests; through a proxy of the environment, whose number is its own, unchecked."""
    import requests
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class CheckedHttp(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            _checked(self, check)

    class CheckedHttps(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            _checked(self, check)

    class HttpPool(HTTPConnectionPool):
        ConnectionCls = CheckedHttp

    class HttpsPool(HTTPSConnectionPool):
        ConnectionCls = CheckedHttps

    class CheckingAdapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *given: Any, **named: Any) -> None:
            super().init_poolmanager(*given, **named)
            self.poolmanager.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}

    return CheckingAdapter()


def _checked(connection: Any, check: Check) -> None:
    try:
        check(connection.host, str(connection.sock.getpeername()[0]))
    except BaseException:
        connection.close()
        raise
