"""Which proxy a URL is asked through, as the environment says it: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.

The rules are those of Go's clients, so of imgproxy's: names and their subdomains, networks, ports, and never a proxy
for this machine. Python's own know no networks. Source: https://pkg.go.dev/golang.org/x/net/http/httpproxy
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from yarl import URL

from foveola.errors import ConfigError, expected


@dataclass(frozen=True)
class Proxies:
    """The proxies by the scheme of URLs, and who is asked without one.

    Args:
        by_scheme: `http` and `https`, where each has one.
        exempt: the entries of `NO_PROXY`, in lower case.
    """

    by_scheme: Mapping[str, URL] = field(default_factory=dict)
    exempt: tuple[str, ...] = ()

    def of(self, url: URL) -> URL | None:
        """Return the proxy for a URL, None where it is asked directly."""
        proxy = self.by_scheme.get(url.scheme)
        host = (url.raw_host or "").rstrip(".").lower()
        if proxy is None or _is_here(host) or any(_covers(entry, host, url.port) for entry in self.exempt):
            return None
        return proxy


def proxies(environ: Mapping[str, str]) -> Proxies:
    """Return the proxies that an environment names.

    Raises:
        ConfigError: one of them is no URL of a proxy that we can use.
    """
    found = {}
    for scheme in ("http", "https"):
        name = f"{scheme.upper()}_PROXY"
        text = environ.get(name) or environ.get(name.lower(), "")
        if not text or (scheme == "http" and "REQUEST_METHOD" in environ):  # CGI: that variable is a client's header
            continue
        found[scheme] = _read(name, text)
    words = (environ.get("NO_PROXY") or environ.get("no_proxy", "")).lower().split(",")
    return Proxies(found, tuple(word.strip() for word in words if word.strip()))


def _read(name: str, text: str) -> URL:
    try:
        url = URL(text if "://" in text else f"http://{text}")
        usable = url.scheme in ("http", "https") and bool(url.host) and url.port is not None
    except ValueError:
        usable = False
    if not usable:
        shown = text.rpartition("@")[2]  # what stands before may be a password
        raise ConfigError(expected("http:// or https:// and a host", name, shown))
    return url


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Return whether an entry of `NO_PROXY` is about a host: `*`, a network, an address or a name, perhaps a port."""
    if entry == "*":
        return True
    try:
        return ip_address(host) in ip_network(entry.removeprefix("[").removesuffix("]"), strict=False)
    except ValueError:
        pass
    name, _, wanted = entry.rpartition(":")
    if name and wanted.isdecimal():
        if int(wanted) != port:
            return False
        entry = name.removeprefix("[").removesuffix("]")
    suffix = "." + entry.removeprefix("*").removeprefix(".")
    return host.endswith(suffix) or (host == entry and not entry.startswith("."))
