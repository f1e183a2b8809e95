"""Sources that nobody can read from the URL: AES-CBC, the initialisation vector first, in URL-safe base64.

Encryption hides, it does not protect: who can send what he likes can also find out what decrypts to something, so
encrypted sources belong into signed URLs. Source: https://docs.imgproxy.net/usage/encrypting_source_url
"""

from __future__ import annotations

import hmac

from foveola.errors import ArgumentError, UrlError, expected

BLOCK = 16


def encrypt(source: str, key: bytes, iv: bytes | None = None) -> bytes:
    """Return an encrypted source, its initialisation vector first.

    Args:
        source: the URL of the picture.
        key: 16, 24 or 32 bytes.
        iv: 16 bytes; derived from key and source when None, so that one source has one URL, which can be cached.

    Raises:
        ArgumentError: the key or the vector has another length.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    _check(key)
    data = source.encode("utf-8", "surrogateescape")
    vector = hmac.digest(key, data, "sha256")[:BLOCK] if iv is None else iv
    if len(vector) != BLOCK:
        raise ArgumentError(expected("16 bytes", "iv", f"{len(vector)} bytes"))
    padder = PKCS7(BLOCK * 8).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return vector + encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()


def decrypt(data: bytes, key: bytes) -> str:
    """Return the source in what `encrypt` made.

    Raises:
        UrlError: it is nothing that was encrypted with this key.
        ArgumentError: the key has another length than 16, 24 or 32 bytes.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    _check(key)
    if len(data) < 2 * BLOCK or len(data) % BLOCK:
        raise UrlError(expected("whole blocks of 16 bytes", "encrypted source", f"{len(data)} bytes"))
    decryptor = Cipher(algorithms.AES(key), modes.CBC(data[:BLOCK])).decryptor()
    unpadder = PKCS7(BLOCK * 8).unpadder()
    try:
        found = unpadder.update(decryptor.update(data[BLOCK:]) + decryptor.finalize()) + unpadder.finalize()
    except ValueError:
        raise UrlError("The encrypted source was not encrypted with this key") from None
    return found.decode("utf-8", "surrogateescape")


def _check(key: bytes) -> None:
    if len(key) not in (16, 24, 32):
        raise ArgumentError(expected("16, 24 or 32 bytes", "encryption key", f"{len(key)} bytes"))
