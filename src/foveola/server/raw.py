"""The source as it is: passed on in parts as they come, without a worker and without a limit but that of its size.

Whatever it is, the browser is told to run nothing of it. Source: https://docs.imgproxy.net/usage/processing#raw
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from foveola.errors import SourceError
from foveola.server.answers import Answer, Sent, Speaker
from foveola.sources import Sources
from foveola.sources.base import Ask, Opened
from foveola.sources.body import too_large
from foveola.sources.masks import concealing, masked


async def passed_on(
    sources: Sources, ask: Ask, most: int, speaker: Speaker, sent: Sent, stack: AsyncExitStack
) -> Answer:
    """Return the answer that passes on what the source answers, whatever that is.

    Args:
        sources: where it is asked for.
        ask: what is added to that.
        most: bytes of its body; 0 for any number.
        speaker: makes the answer.
        sent: its URL, and how it is sent.
        stack: closes the source's answer, after ours was sent.

    Raises:
        SourceError: the source can't be reached or may not be, or its status is none of an answer.
        ImageError: it says that it is too large.
    """
    with concealing(sent.hidden):
        opened = await stack.enter_async_context(sources.stream(sent.source, ask))
        if not 200 <= opened.status < 600:
            raise SourceError(f"{masked(sent.source)} answered {opened.status}", status=502)
    if most and opened.size is not None and opened.size > most:
        raise too_large(most)
    return speaker.raw(opened, lambda: _counted(opened, most, sent), sent)


async def _counted(opened: Opened, most: int, sent: Sent) -> AsyncIterator[bytes]:
    done = 0
    parts = opened.chunks()
    while True:
        with concealing(sent.hidden):
            part = await anext(parts, b"")
        if not part:
            return
        done += len(part)
        if most and done > most:
            raise too_large(most)
        yield part
