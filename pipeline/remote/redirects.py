"""Where an address leads: redirects are followed one by one, and to no place that its server has no business to name.

A server that can make a program read `http://127.0.0.1:8080` or `http://169.254.169.254` reads with it what only this
machine or its network may. So an address leads to public ones alone, or to another path of the same server; whoever
trusts another place names it. What a server sends beside a redirect is not read, for it may never end.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from pipeline.errors import UserError
from pipeline.remote.addresses import shown

if TYPE_CHECKING:
    import requests

_MOST = 20  # addresses that one leads to, one after the other
_PORTS = {"http": 80, "https": 443}
_INTERNAL = (
    ".localhost",
    ".local",
    ".internal",
    ".intranet",
    ".lan",
    ".home.arpa",
)  # ends of names that no public server has

_HOLD_IPV4 = (ipaddress.IPv6Network("::/96"), ipaddress.IPv6Network("64:ff9b::/96"))  # in their last 32 bits


def session_of_steps(address: str) -> requests.Session:
    """A session for an address and those that it leads to, which follows no redirect by itself: the library's own reads
    all that comes beside one, even to say where to.

    It connects to other hosts than that of the address where these are public, whatever their names were told to be
    when they were looked at.
    """
    import requests

    named = _host(requests.Request("GET", address).prepare().url or "")

    def check(host: str, number: str) -> None:
        if host.rstrip(".").lower() != named and not _is_public(number.partition("%")[0]):
            raise _not_public(f"{shown(address)} leads to {host}")

    class SteppingSession(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            pass

    session = SteppingSession()
    for scheme in _PORTS:
        session.mount(f"{scheme}://", _checking_adapter(check))
    return session


def _checking_adapter(check: Callable[[str, str], None]) -> requests.adapters.HTTPAdapter:
    """What connects a session of requests; through a proxy of the environment, whose number is its own, unchecked.

    Args:
        check: called with the host that is asked for and the number of the one that is connected; raises where it is
            refused. Who has a name may tell one number to whoever looks whether it is public, and the next moment
            another to whoever connects: what counts is the number that the connection has.
    """
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


def _checked(connection: Any, check: Callable[[str, str], None]) -> None:
    try:
        check(connection.host, str(connection.sock.getpeername()[0]))
    except BaseException:
        connection.close()
        raise


def _host(address: str) -> str:
    return (urlsplit(address).hostname or "").rstrip(".")


def _not_public(leads: str) -> UserError:
    return UserError(
        f"{leads}, which is on this machine or in a network that is not public: it is not read; name that address "
        "itself if you trust it"
    )


def followed(
    session: requests.Session, address: str, headers: Mapping[str, str], timeout: tuple[float, float]
) -> requests.Response:
    """The answer of the last address to which one leads, as a stream.

    Args:
        address: the first one, which the user named.
        timeout: seconds for a connection, and without a byte.

    Raises:
        UserError: it leads to what is not read: another scheme, no encryption after there was, a place that is not
            public, text that is no address, or from one to the next without end.
        requests.RequestException: what any request raises.
    """
    import requests

    place = address
    for _ in range(_MOST):
        response = session.get(place, headers=dict(headers), stream=True, timeout=timeout)
        target = requests.Session.get_redirect_target(session, response)
        if target is None:
            return response
        response.close()
        try:
            place = _next(address, response.url, target)
        except ValueError as error:
            raise UserError(f"{shown(address)} leads to an address that is none: {error}"[:300]) from error
    raise UserError(f"{shown(address)} cannot be read: it leads from address to address without end")


def _next(address: str, place: str, target: str) -> str:
    """The address to which `place` leads, as it is asked for: who reads it otherwise takes another host for its own."""
    import requests

    url = requests.Request("GET", urljoin(place, target)).prepare().url or ""
    parts = urlsplit(url)
    leads = f"{shown(address)} leads to {shown(url)}"
    if parts.scheme not in _PORTS:
        raise UserError(f"{shown(address)} cannot be read: it leads to {shown(url)}, which is neither http nor https")
    if urlsplit(place).scheme == "https" and parts.scheme == "http":
        raise UserError(f"{leads}, which is not encrypted: it is not read")
    if not _of_one_server(urlsplit(place), parts) and _is_internal(parts.hostname or ""):
        raise _not_public(leads)
    return url


def _of_one_server(one: SplitResult, other: SplitResult) -> bool:
    """Whether two addresses are of one host and port, or the second is the encrypted form of the first."""
    if one.hostname != other.hostname:
        return False
    return _port(one) == _port(other) or (one.scheme, other.scheme) == ("http", "https")


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _is_internal(host: str) -> bool:
    """Whether a host, by its number or by those that its name has, is not reached from everywhere."""
    name = host.rstrip(".").partition("%")[0]
    if name == "localhost" or name.endswith(_INTERNAL):
        return True
    with contextlib.suppress(ValueError):
        return not _is_public(name)
    try:
        numbers = {str(found[4][0]).partition("%")[0] for found in socket.getaddrinfo(name, None)}
    except (OSError, UnicodeError):  # whether the name exists is known to a proxy alone
        return False
    return not all(map(_is_public, numbers))


def _is_public(number: str) -> bool:
    """Whether an address is; of one that holds another, whether that is.

    Raises:
        ValueError: it is none.
    """
    address = ipaddress.ip_address(number)
    if isinstance(address, ipaddress.IPv6Address):
        held = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        holds = any(address in network for network in _HOLD_IPV4)
        address = address.ipv4_mapped or address.sixtofour or (held if holds else address)
    return address.is_global and not address.is_multicast
