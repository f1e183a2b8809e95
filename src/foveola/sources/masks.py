"""URLs and texts as logs, errors and answers may have them: without what is as good as a password.

The URL of a source may say who asks (`https://user:password@host/`), and a presigned one has all that it takes to fetch
the file, for whoever reads it. Both are replaced with `…`; what is left still says which file it is. A source that came
encrypted is not named at all. Source: RFC 9110, section 17.9;
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html,
https://cloud.google.com/storage/docs/authentication/signatures,
https://learn.microsoft.com/rest/api/storageservices/create-service-sas
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from foveola.errors import FoveolaError, ImageError, OverloadedError, SourceError

MASK = "…"
"""What stands for a secret."""
_INSIDE = re.compile(r"((?::|%3A)(?:/|%2F){2})(?:(?!%2F)[^/?#&])*(?:@|%40)", re.IGNORECASE)
"""A name and a password of a URL that is a part of another."""
_ODD = re.compile(
    r"(\A|(?::|%3A)(?:/|%2F)+)(?:(?!%2F|%3A)[^/?#&:])*(?::|%3A)(?:(?!%2F)[^/?#&])*(?:@|%40)", re.IGNORECASE
)
"""A name with a password in a URL that has more slashes than it should, or less; a name alone may be a file's."""
_DIGITS = "0123456789"
_PARAMETER = re.compile(r"([?&;#])([^?&;#=]*)=([^&;#]*)")
_SECRET = re.compile(
    r".*(?:sign?|signature|token|key|secret|passw(?:or)?d|passphrase|pass|pwd|auth|authorization|bearer|jwt|hmac|policy)"
    r"|.*(?:credentials?|session|session-?id|ticket|key-?pair-?id|keyid|accessid)"
    r"|hdn[a-z]{1,2}"  # Akamai
)
"""Names of parameters that are taken for secrets, by their ends: `X-Amz-Signature`, `X-Goog-Credential`, `sig`."""
_SHORT = re.compile(r"s|st|h|hash|md5")
"""And of those that are, where they are as long as a digest: imgix, nginx."""
_DIGEST = 16
_LONGEST = 64
"""Characters of a name that are looked at, from its end."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,15}:/{1,3}[^\s\"'<>`|\\^]*[^\s\"'<>`|\\^.,:;!)\]]")


def masked(url: str) -> str:
    """Return a URL without the name and the password before its host, and without signatures, tokens and keys.

    Where a port is none, all of that may be a name and a password, of a URL that was cut off at its `@`.
    """
    safe = _without_user(url)
    if "@" in url or "%40" in url:
        safe = _ODD.sub(_nameless, _INSIDE.sub(_nameless, safe))
    return _PARAMETER.sub(_parameter, safe) if "=" in safe else safe


def masked_text(text: str) -> str:
    """Return a text with every URL in it as `masked` has it."""
    return _URL.sub(lambda found: masked(found[0]), text) if ":/" in text else text


@contextmanager
def concealing(hidden: bool) -> Iterator[None]:
    """Say nothing of a source, if it is `hidden`: what goes wrong keeps its status and its public sentence only.

    Raises:
        FoveolaError: something went wrong.
    """
    try:
        yield
    except (ImageError, OverloadedError):
        raise  # is about bytes, or about this machine
    except FoveolaError as error:
        if not hidden:
            raise
        said = f"The encrypted source can't be had: {type(error).__name__} {error.status}"
        raise SourceError(said, status=error.status, public=error.public) from None
    except Exception as error:
        if not hidden:
            raise
        raise FoveolaError(f"The encrypted source can't be had: {type(error).__name__}") from None


def _without_user(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        scheme, _, rest = url.partition("://")
        return f"{scheme}://{MASK}" if set("@:") & set(rest) else url
    _, user, host = parts.netloc.rpartition("@")
    _, colon, port = host.rpartition("]")[2].partition(":")
    host = f"{MASK}@{host}" if user else MASK if colon and port.strip(_DIGITS) else host
    return url if host == parts.netloc else parts._replace(netloc=host).geturl()


def _nameless(found: re.Match[str]) -> str:
    return f"{found[1]}{MASK}@"


def _parameter(found: re.Match[str]) -> str:
    mark, name, value = found.groups()
    word = unquote(name)[-_LONGEST:].lower()
    secret = _SECRET.fullmatch(word) or (len(value) >= _DIGEST and _SHORT.fullmatch(word))
    return f"{mark}{name}={MASK}" if value and secret else found[0]
