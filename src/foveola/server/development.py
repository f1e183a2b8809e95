"""What went wrong, for whoever develops with this server: the whole error in place of one public sentence.

Only with `IMGPROXY_DEVELOPMENT_ERRORS_MODE`, since a stack tells strangers how a server is built and where its sources
are. A browser is shown a page, everything else plain text.
"""

from __future__ import annotations

import html
import traceback

from foveola.errors import FoveolaError
from foveola.sources.masks import masked_text

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{status} {public}</title>
<style>body{{font:1rem/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}}pre{{overflow:auto}}</style>
<h1>{status} {public}</h1><p>{message}</p><pre>{stack}</pre></html>
"""


def told(error: FoveolaError, accept: str) -> tuple[str, str]:
    """Return the media type and the text of an answer that says everything.

    Args:
        error: what went wrong; what it was raised from, and notes, are told too.
        accept: the `Accept` of the request.
    """
    stack = masked_text("".join(traceback.format_exception(error)))
    message = masked_text(str(error))
    if "text/html" not in accept:
        return "text/plain", f"{error.status} {error.public}\n\n{message}\n\n{stack}"
    said = {"public": error.public, "message": message, "stack": stack}
    return "text/html", PAGE.format(status=error.status, **{name: html.escape(text) for name, text in said.items()})
