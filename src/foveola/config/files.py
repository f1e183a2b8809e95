"""The files that settings name: read whole, with a sentence where they can't be."""

from __future__ import annotations

from pathlib import Path

from foveola.errors import ConfigError, expected


def text_of(path: str, name: str) -> str:
    """Return the text of a file.

    Args:
        path: where it is; no folder, no pipe.
        name: the variable that says so.

    Raises:
        ConfigError: it can't be read as UTF-8.
    """
    try:
        regular = Path(path).is_file()
        text = Path(path).read_text("utf-8") if regular else ""
    except OSError as error:
        raise ConfigError(f"{expected('the path of a file that can be read', name, path)}: {error.strerror}") from error
    except ValueError as error:  # of the path too, which may have what no file system takes
        raise ConfigError(expected("the path of a text in UTF-8", name, path)) from error
    if not regular:
        raise ConfigError(expected("the path of a file", name, path))
    return text
