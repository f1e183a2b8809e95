"""Signatures: the HMAC of a path, so that nobody else can ask the server for work.

The signature covers the path after it, so a path is taken apart in imgproxy's own order and from the raw bytes of the
request, before anything decodes it. Source: https://docs.imgproxy.net/usage/signing_url
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass, field

from foveola.errors import SignatureError, UrlError
from foveola.options.words import decode

_LOST_SLASH = re.compile(r"^(\S+):/([^/])")
_HINT = "The signature looks like a processing option: the URL has to start with a signature, any word if unsigned"
UNSIGNED = "unsafe"
"""What stands for a signature where there are no keys."""
INFO = "/info"
"""What paths that ask about a picture begin with; their signature is of what comes after its own."""
LONGEST = 32_768
"""Characters that a path may have, its signature counted: what is longer is refused before anything looks into it."""


@dataclass(frozen=True)
class Keys:
    """What signatures are checked with.

    Args:
        pairs: keys and their salts; any of them may have signed. Without one, every signature is good.
        size: how many bytes of the signature are used, 1..32.
        trusted: signatures that are good for every path.
    """

    pairs: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    size: int = 32
    trusted: frozenset[str] = field(default=frozenset(), repr=False)


def split(target: str, prefix: str = "") -> tuple[str, str]:
    """Take the target of a request apart.

    Args:
        target: the raw path, perhaps with a query: `/SIGNATURE/w:100/plain/http://e.com/a.jpg`.
        prefix: what stands before every path.

    Returns:
        The signature and the path after it, without a leading slash, as it is signed and parsed.

    Raises:
        UrlError: there is no signature or no path; 414 where the target is too long.
    """
    path = target.partition("?")[0]
    if len(path) > LONGEST:
        got = f"Expected at most {LONGEST} characters for the path, got {len(path)}"
        raise UrlError(got, status=414, public="URL is too long")
    path = path.removeprefix(prefix).removeprefix("/")
    signature, _, path = path.removeprefix("/").partition("/")  # whoever joins a URL of parts may put in one too many
    if not signature or not path:
        raise UrlError(f"Invalid path: {target}")
    return signature, repair(path)


def repair(path: str) -> str:
    """Undo what browsers and proxies do to a path: `%3A` for a colon in options, one slash where there were two."""
    if path.startswith("plain/"):
        return _repair_plain(path)
    before, plain, source = path.partition("/plain/")
    before = before.replace("%3A", ":")
    return (before + "/" + _repair_plain("plain/" + source) if plain else before).removeprefix("/")


def _repair_plain(plain: str) -> str:
    return "plain/" + _LOST_SLASH.sub(_restored, plain.removeprefix("plain/"))


def _restored(found: re.Match[str]) -> str:
    scheme, first = found.groups()
    return f"{scheme}:///{first}" if scheme == "local" else f"{scheme}://{first}"


def sign(path: str, key: bytes, salt: bytes, size: int = 32) -> str:
    """Return the signature of `path`.

    Args:
        path: what follows the signature, without a leading slash.
        key: the secret key.
        salt: its salt.
        size: how many bytes of the digest are used, 1..32.
    """
    digest = hmac.digest(key, salt + b"/" + path.encode("utf-8", "surrogateescape"), "sha256")
    return base64.urlsafe_b64encode(digest[:size]).decode().rstrip("=")


def verify(signature: str, path: str, keys: Keys) -> None:
    """Check that `path` was signed by one of `keys`, in a time that does not tell how much of it is right.

    Raises:
        SignatureError: it was not.
    """
    if not keys.pairs:
        if ":" in signature:
            raise SignatureError("The signature has a colon", public=_HINT)
        return
    # As it is written: other spellings of the same bytes are other entries of a cache.
    given = signature.encode(errors="surrogatepass")
    trusted = [hmac.compare_digest(given, one.encode(errors="surrogatepass")) for one in keys.trusted]
    if any(trusted):
        return
    if decode(signature) is None:
        raise SignatureError("Invalid signature encoding")
    matches = [hmac.compare_digest(given, sign(path, key, salt, keys.size).encode()) for key, salt in keys.pairs]
    if not any(matches):
        raise SignatureError("Invalid signature")


def signed(path: str, keys: Keys) -> str:
    """Return the path of a request: `/SIGNATURE/path`, signed with the first of `keys`; `unsafe` without one."""
    signature = sign(path, *keys.pairs[0], keys.size) if keys.pairs else UNSIGNED
    return f"/{signature}/{path}"
