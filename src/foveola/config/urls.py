"""The settings of signatures and of what URLs may say.

Source: https://docs.imgproxy.net/configuration/options#url-signature
"""

from __future__ import annotations

from dataclasses import dataclass

from foveola import kinds
from foveola.config.rows import COUNT, PATTERNS, off, row, text

_NAMES = PATTERNS


@dataclass(frozen=True)
class Urls:
    """Signature and URL."""

    key: tuple[bytes, ...] = row((), kinds.listed(kinds.HEX), "Keys of the signature, in hexadecimal.", secret=True)
    salt: tuple[bytes, ...] = row((), kinds.listed(kinds.HEX), "Salts of the signature, one a key.", secret=True)
    signature_size: int = row(32, kinds.integer(1, 32), "Bytes of the signature that are used.")
    trusted_signatures: tuple[str, ...] = row((), _NAMES, "Signatures that are good for every path.", secret=True)
    path_prefix: str = row("", kinds.PATH, "What stands before every path.")
    arguments_separator: str = text("What stands between the arguments of an option.", ":")
    base_url: str = text("What is put before every source that does not begin with it.")
    url_replacements: tuple[tuple[str, str], ...] = row(
        (),
        kinds.assigned(";"),
        "What the beginnings of sources are replaced with, `pattern=text`; `*` in a pattern is anything but a slash, "
        "and `${1}` in a text is what the first one stood for.",
    )
    base64_url_includes_filename: bool = off("Whether a base64 source ends with a file name to drop.")
    source_url_query_separator: str = text(
        "What ends the path of a source that is no web address, where no file has it in its name; nothing when set and "
        "empty.",
        "?",
    )
    source_url_encryption_key: bytes = row(
        b"", kinds.AES_KEY, "What encrypted sources (`/enc/…`) are decrypted with.", secret=True
    )
    presets: tuple[str, ...] = row(
        (),
        kinds.listed(kinds.TEXT),
        "Named sets of options, `name=option/option`; the one named `default` is laid under every URL.",
        separator="presets_separator",
        separated=lambda separator: kinds.listed(kinds.TEXT, separator),
    )
    presets_separator: str = text("What stands between presets.", ",")
    presets_path: str = text("A file of presets, one a line; lines that begin with `#` are left out.")
    only_presets: bool = off("Whether URLs may name presets only.")
    info_presets: tuple[str, ...] = row(
        (),
        kinds.listed(kinds.TEXT),
        "Named sets of options of the info endpoint.",
        separator="presets_separator",
        separated=lambda separator: kinds.listed(kinds.TEXT, separator),
    )
    info_presets_path: str = text("A file of presets of the info endpoint, one a line.")
    info_only_presets: bool | None = row(
        None, kinds.BOOLEAN, "Whether URLs of the info endpoint may name presets only; as `ONLY_PRESETS` when empty."
    )
    allowed_processing_options: tuple[str, ...] = row(
        (), _NAMES, "Names of the options that URLs may use, as written; all when empty."
    )
    allowed_info_options: tuple[str, ...] = row(
        (), _NAMES, "Names of the options that URLs of the info endpoint may use, as written; all when empty."
    )
    max_chained_pipelines: int = row(0, COUNT, "Pipelines that a URL may chain with `/-/`; 0 for 32, the most.")
