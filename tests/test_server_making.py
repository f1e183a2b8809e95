"""How a picture comes to be, with sources and workers that are made up: fallback image, watermark, digests, time."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from foveola.config import Images, Server, Settings
from foveola.decisions import open_store
from foveola.errors import DeadlineError, FoveolaError, ImageError, SourceError, UrlError
from foveola.goal import Asked
from foveola.info.options import InfoOptions
from foveola.options import ProcessingOptions
from foveola.options.values import Watermark
from foveola.pipeline import Accepted
from foveola.server import assets
from foveola.server.admission import Admission
from foveola.server.answers import Told
from foveola.server.assets import Assets, Place
from foveola.server.jobs import Facts, Job, UnknownTypeError
from foveola.server.making import Maker
from foveola.server.memory import Memory
from foveola.server.metrics import Metrics
from foveola.server.wishes import Reader, Wish
from foveola.sources import loops
from foveola.sources.base import Ask, Body, Fetched
from foveola.urls import ImageUrl, InfoUrl

T = TypeVar("T")
FACTS = Facts("webp", (2, 1), (2, 1), 0, "none", 80, None, 1, None, "fixed")
CAT, DOG, LOGO = b"a cat", b"a dog", b"a logo"


def body(data: bytes) -> Body:
    made = Body()
    made.write(data)
    return made


def read(made: Body) -> bytes:
    return os.pread(made.fd, 1 << 20, 0)


@dataclass
class Shelf:
    """Sources that are a dictionary; an error in place of bytes is raised."""

    files: dict[str, bytes | Exception]
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, Ask]] = field(default_factory=list)

    async def fetch(self, url: str, ask: Ask = Ask()) -> Fetched:  # noqa: B008  # frozen
        self.asked.append((url, ask))
        await asyncio.sleep(0)
        found = self.files.get(url, SourceError(f"no {url}", status=410))
        if isinstance(found, Exception):
            raise found
        if ask.header("if-none-match") == '"cat"':
            return Fetched(304, self.headers, Body())
        return Fetched(200, self.headers, body(found))

    async def close(self) -> None:
        pass


@dataclass
class Painter:
    """A worker that copies; what it is told to refuse it refuses."""

    refused: dict[bytes, Exception] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    marks: list[bytes | None] = field(default_factory=list)
    seconds: float = 0

    async def work(self, job: Job, source: Body, result: Body, watermark: Body | None = None) -> Facts:
        data = read(source)
        assert len(data) == job.size == source.size
        self.jobs.append(job)
        self.marks.append(None if watermark is None else read(watermark))
        await asyncio.sleep(self.seconds)
        if data in self.refused:
            raise self.refused[data]
        result.write(b"made of " + data)
        return replace(FACTS, bytes=result.size, method=job.options.autoquality.method or "none")

    async def tell(self, job: Job, source: Body, result: Body) -> None:
        assert job.size == source.size
        self.jobs.append(job)
        result.write(b"told of " + read(source))


def made(
    shelf: Shelf,
    painter: Painter,
    settings: Settings,
    options: ProcessingOptions | InfoOptions,
    source: str = "cat",
    **asked: str,
) -> tuple[Told, bytes]:
    """Make one picture, or a text about it, and return what is known of it and its bytes."""
    url = InfoUrl(options, source) if isinstance(options, InfoOptions) else ImageUrl(options, source)

    async def make() -> tuple[Told, bytes]:
        metrics = Metrics(settings.monitoring, 1)
        memory = Memory(open_store("memory", 100), 0)
        maker = Maker(settings, shelf, Assets(shelf, shelf), painter, memory, Admission(1, 0), metrics)
        ask = Ask(tuple((name.replace("_", "-"), value) for name, value in asked.items()))
        try:
            with closing(await maker.make(Wish(url, Accepted(), ask))) as result:
                return result.told, read(result.result)
        finally:
            await memory.close()

    return asyncio.run(make())


def shelf(**more: bytes | Exception) -> Shelf:
    return Shelf({"cat": CAT, "dog": DOG, "logo": LOGO, **more}, {"etag": '"cat"'})


PLAIN = ProcessingOptions()


def test_a_picture_is_made_of_its_source() -> None:
    painter = Painter()

    told, data = made(shelf(), painter, Settings(), PLAIN)

    assert (told.status, told.origin_bytes, dict(told.source)) == (200, len(CAT), {"etag": '"cat"'})
    assert data == b"made of a cat"
    assert painter.jobs[0].kind == "picture"


def test_what_the_client_has_is_not_made_again() -> None:
    painter = Painter()

    told, data = made(shelf(), painter, Settings(), PLAIN, if_none_match='"cat"')

    assert (told.status, told.facts, dict(told.source), data) == (304, None, {"etag": '"cat"'}, b"")
    assert painter.jobs == []


# What is told of a picture


def test_a_worker_tells_of_a_source() -> None:
    painter, options = Painter(), InfoOptions(dimensions=False)

    told, data = made(shelf(), painter, Settings(), options)

    assert (told.status, told.facts, dict(told.source)) == (200, None, {"etag": '"cat"'})
    assert data == b"told of a cat"
    assert (painter.jobs[0].kind, painter.jobs[0].info) == ("info", options)
    assert made(shelf(), painter, Settings(), options, if_none_match='"cat"')[0].status == 304


def test_nothing_is_told_of_another_picture() -> None:
    with pytest.raises(SourceError):
        made(shelf(), Painter(), fallback(), InfoOptions(), "none")
    with pytest.raises(ImageError):
        made(shelf(), Painter(), fallback(), InfoOptions(hashsum=("md5", "00" * 16)))


# The fallback image


def fallback(**images: Any) -> Settings:
    return Settings(images=Images(**({"fallback_image_data": DOG} | images)))


@pytest.mark.parametrize(
    ("what", "status"),
    [
        (SourceError("gone", status=410), 410),
        (SourceError("late", status=504), 504),
        (SourceError("private", public="Invalid source URL"), 404),
        (ImageError("too large", public="Invalid source image"), 422),
    ],
)
def test_what_can_t_be_fetched_is_replaced(what: FoveolaError, status: int) -> None:
    for code in (200, 0, 404):
        told, data = made(shelf(cat=what), Painter(), fallback(fallback_image_http_code=code), PLAIN)

        assert (told.status, data) == (code or status, b"made of a dog")
        assert dict(told.source) == {}
        assert told.origin_bytes == len(DOG)


def test_what_is_no_picture_is_replaced() -> None:
    told, data = made(shelf(), Painter({CAT: UnknownTypeError("a poem")}), fallback(fallback_image_http_code=0), PLAIN)

    assert (told.status, data) == (422, b"made of a dog")


@pytest.mark.parametrize(
    "what", [FoveolaError("over a limit", status=422, public="Invalid source image"), FoveolaError("crashed")]
)
def test_what_goes_wrong_later_is_an_error(what: FoveolaError) -> None:
    with pytest.raises(FoveolaError) as raised:
        made(shelf(), Painter({CAT: what}), fallback(), PLAIN)

    assert raised.value is what


def test_the_fallback_image_is_made_with_the_same_options() -> None:
    painter = Painter()
    options = ProcessingOptions(width=20)

    told, _ = made(shelf(), painter, fallback(fallback_image_ttl=60), options, "none")

    assert painter.jobs[-1].options == options
    assert told.longest == 60


def test_a_url_may_name_another_fallback_image() -> None:
    _, data = made(shelf(), Painter(), fallback(), ProcessingOptions(fallback_image_url="logo"), "none")

    assert data == b"made of a logo"


def test_without_a_fallback_image_the_error_is_the_first_one() -> None:
    for settings, options in (
        (Settings(), PLAIN),
        (Settings(), ProcessingOptions(fallback_image_url="nowhere")),
        (fallback(fallback_image_data=b"", fallback_image_path="/nowhere"), PLAIN),
    ):
        with pytest.raises(SourceError, match="no none"):
            made(shelf(), Painter(), settings, options, "none")


def test_a_fallback_image_that_is_none_is_an_error() -> None:
    with pytest.raises(UnknownTypeError):
        made(shelf(), Painter({DOG: UnknownTypeError("a poem")}), fallback(), PLAIN, "none")


# The watermark


MARKED = ProcessingOptions(watermark=Watermark(opacity=0.5))


@pytest.mark.parametrize(
    ("images", "options", "mark"),
    [
        (Images(watermark_data=LOGO), MARKED, LOGO),
        (Images(watermark_url="logo"), MARKED, LOGO),
        (Images(watermark_data=LOGO), replace(MARKED, watermark_url="dog"), DOG),
        (Images(watermark_data=LOGO, watermark_url="dog"), MARKED, LOGO),
        (Images(watermark_data=LOGO), PLAIN, None),
        (Images(watermark_data=LOGO), ProcessingOptions(chained=(MARKED,)), LOGO),
        (Images(), MARKED, None),
    ],
)
def test_a_worker_gets_the_watermark_beside_the_source(
    images: Images, options: ProcessingOptions, mark: bytes | None
) -> None:
    painter = Painter()

    made(shelf(), painter, Settings(images=images), options)

    assert painter.marks == [mark]
    assert painter.jobs[0].watermark == len(mark or b"")


def test_a_watermark_of_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "logo").write_bytes(LOGO)
    painter = Painter()

    made(shelf(), painter, Settings(images=Images(watermark_path=str(tmp_path / "logo"))), MARKED)

    assert painter.marks == [LOGO]


def test_a_watermark_that_can_t_be_had_is_an_error_and_no_reason_for_the_fallback_image() -> None:
    with pytest.raises(SourceError, match="no nowhere"):
        made(shelf(), Painter(), fallback(), replace(MARKED, watermark_url="nowhere"))


def test_there_is_one_watermark_in_a_url() -> None:
    chained = replace(MARKED, chained=(replace(MARKED, watermark_url="dog"),))

    with pytest.raises(UrlError):
        made(shelf(), Painter(), Settings(images=Images(watermark_data=LOGO)), chained)


def test_another_watermark_is_another_picture_for_memory() -> None:
    async def names() -> list[str]:
        memory = Memory(open_store("memory", 100), 0)
        known = [await memory.recall(body(CAT), mark) for mark in (None, body(LOGO), body(DOG), body(LOGO))]
        await memory.close()
        return [found.source for found in known if found is not None]

    found = asyncio.run(names())

    assert found[0] == hashlib.sha256(CAT).hexdigest()
    assert len(set(found)) == 3
    assert found[1] == found[3]


# Digests and the time


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256", "sha512"])
def test_a_source_has_the_digest_of_its_url(kind: str) -> None:
    right = hashlib.new(kind, CAT).hexdigest()

    assert made(shelf(), Painter(), Settings(), ProcessingOptions(hashsum=(kind, right)))[0].status == 200
    with pytest.raises(ImageError) as raised:
        made(shelf(), Painter(), Settings(), ProcessingOptions(hashsum=(kind, right.replace(right[0], "x"))))
    assert (raised.value.status, raised.value.public) == (422, "Invalid source image")


def test_a_digest_is_taken_of_all_parts() -> None:
    data = os.urandom(3_000_000)

    assert body(data).digest("sha512") == hashlib.sha512(data).hexdigest()


def test_the_time_of_a_request_ends() -> None:
    settings = Settings(server=Server(timeout=0.05))  # type: ignore[arg-type]  # whole seconds are long

    with pytest.raises(DeadlineError):
        made(shelf(), Painter(seconds=60), settings, PLAIN)


def test_a_search_is_given_a_part_of_the_time_and_what_is_remembered() -> None:
    painter = Painter()

    made(shelf(), painter, Settings(), ProcessingOptions(autoquality=Asked("dssim")))

    assert painter.jobs[0].decisions == ()


# What is kept


def kept(act: Callable[[Assets, Shelf, list[float]], Awaitable[T]]) -> T:
    """Run something with assets whose clock is a list of one number."""
    clock = [0.0]
    found = shelf()
    return asyncio.run(_awaited(act(Assets(found, found, lambda: clock[0]), found, clock)))


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def test_a_picture_is_asked_for_again_after_a_while_and_kept_when_it_is_gone() -> None:
    async def act(found: Assets, shelf: Shelf, clock: list[float]) -> list[bytes]:
        seen = []
        for now, data in ((0, LOGO), (299, DOG), (300, DOG), (601, SourceError("gone")), (602, CAT), (902, CAT)):
            clock[0] = now
            shelf.files["logo"] = data
            body = await found.find("logo", Place())
            assert body is not None
            seen.append(read(body))
        return seen

    assert kept(act) == [LOGO, LOGO, DOG, DOG, DOG, CAT]


@dataclass
class Gate:
    """A source that waits until it is let go, and counts."""

    asked: int = 0
    let: asyncio.Event = field(default_factory=asyncio.Event)
    wrong: Exception | None = None

    async def fetch(self, url: str, ask: Ask = Ask()) -> Fetched:  # noqa: ARG002, B008
        self.asked += 1
        await self.let.wait()
        if self.wrong is not None:
            raise self.wrong
        return Fetched(200, {}, body(b"%d" % self.asked))

    async def close(self) -> None:
        pass


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_picture_that_many_need_at_once_is_fetched_once() -> None:
    async def act() -> None:
        gate = Gate()
        found = Assets(gate, gate)
        asking = [asyncio.create_task(found.find("logo", Place())) for _ in range(50)]
        asking.append(asyncio.create_task(found.find("", Place(url="logo"))))  # it is trusted, so it is another
        await _turns()
        asking[0].cancel()  # who began it leaves; the others wait on
        await _turns()
        gate.let.set()
        bodies = await asyncio.gather(*asking[1:])
        assert {read(body) for body in bodies if body} == {b"2"}
        assert gate.asked == 2
        assert len({id(body) for body in bodies}) == 2

    asyncio.run(act())


def test_a_picture_that_could_not_be_had_is_asked_for_again() -> None:
    async def act() -> None:
        gate = Gate(wrong=SourceError("gone"))
        found = Assets(gate, gate)
        gate.let.set()
        asking = (found.find("logo", Place()) for _ in range(20))
        assert all(isinstance(error, SourceError) for error in await asyncio.gather(*asking, return_exceptions=True))
        assert gate.asked == 1
        gate.wrong = None
        assert await found.find("logo", Place()) is not None
        assert gate.asked == 2

    asyncio.run(act())


def test_what_is_old_serves_while_it_is_fetched_and_a_fetch_that_was_given_up_does_not_count() -> None:
    async def act() -> None:
        gate, clock = Gate(), [0.0]
        found = Assets(gate, gate, lambda: clock[0])
        gate.let.set()
        first = await found.find("logo", Place())
        gate.let.clear()
        clock[0] = 300
        for asked in (2, 3):  # given up, then asked for again at once
            waiting = asyncio.create_task(found.find("logo", Place()))
            await _turns()
            assert gate.asked == asked
            assert [await found.find("logo", Place()) for _ in range(9)] == [first] * 9
            waiting.cancel()
            await _turns()
        gate.let.set()
        renewed = await found.find("logo", Place())
        assert renewed is not None
        assert read(renewed) == b"4"
        assert await found.find("logo", Place()) is renewed

    asyncio.run(act())


def test_the_oldest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "MOST_BYTES", 11)

    async def act(found: Assets, shelf: Shelf, _: list[float]) -> list[str]:
        held = await found.find("cat", Place())
        for url in ("dog", "cat", "logo", "cat", "dog"):
            assert await found.find(url, Place())
        assert held is not None
        assert read(held) == CAT  # whoever holds it goes on holding it
        return [url for url, _ in shelf.asked]

    assert kept(act) == ["cat", "dog", "logo", "dog"]


def test_few_pictures_are_kept_and_those_of_the_settings_always() -> None:
    """Each is a descriptor: a thousand names of watermarks left none for anybody."""

    def held() -> int:
        return len([*Path("/proc/self/fd").iterdir()])

    async def act(found: Assets, shelf: Shelf, _: list[float]) -> None:
        shelf.files |= {str(number): b"x" for number in range(3 * assets.MOST)}
        before = held()
        await found.find("", Place(data=CAT))
        for number in range(3 * assets.MOST):
            await found.find(str(number), Place())
        assert held() <= before + assets.MOST + 1
        last = len(shelf.asked)
        for number in range(2 * assets.MOST, 3 * assets.MOST):
            await found.find(str(number), Place())
        assert len(shelf.asked) == last  # they are there
        assert ("data", "") in found._kept

    kept(act)


def test_the_settings_are_trusted_where_urls_are_judged() -> None:
    async def act() -> None:
        strangers, ours = Shelf({"cat": CAT}), Shelf({"dog": DOG})
        found = Assets(strangers, ours)
        place = Place(url="dog")
        assert await found.find("", place) is not None
        with pytest.raises(SourceError):
            await found.find("dog", place)
        assert await found.find("", Place()) is None

    asyncio.run(act())


# What a request wishes


def wish(settings: Settings, options: ProcessingOptions = PLAIN, url: str = "http://e.com/a", **given: str) -> Wish:
    headers = {name.replace("_", "-"): value for name, value in given.items()}
    return Reader(settings).wish(ImageUrl(options, url), headers)


def test_what_reaches_a_source_is_a_part_of_the_wish() -> None:
    settings = Settings(
        server=Server(
            request_headers_passthrough=("X-Tenant", "X-None"),
        )
    )

    asked = wish(settings, x_tenant="a", if_none_match='"x"', accept="image/webp", cookie="a=b").ask

    assert dict(asked.headers) == {"x-tenant": "a", "if-none-match": '"x"'}
    assert wish(settings, x_tenant="a") == wish(settings, x_tenant="a", user_agent="b")
    assert wish(settings, x_tenant="a") != wish(settings, x_tenant="b")


def test_a_raw_wish_asks_for_the_source_as_it_is() -> None:
    asked = wish(Settings(), ProcessingOptions(raw=True, max_src_file_size=9), range="bytes=0-1", accept="*/*").ask

    assert asked == Ask((("range", "bytes=0-1"),), 9, raw=True)


def test_a_wish_that_comes_through_many_servers_is_none() -> None:
    """Marks of others like it go along, those of a CDN do not: it may stand before us and the source alike."""
    other = "foveola-0123456789abcdef"

    assert dict(wish(Settings(), cdn_loop=f"cloudflare; loops=1, {other}").ask.headers) == {"cdn-loop": other}
    assert wish(Settings(), cdn_loop="cloudflare").ask.headers == ()
    named = Settings(server=Server(request_headers_passthrough=("CDN-Loop",)))
    assert wish(named, cdn_loop="cloudflare").ask.headers == ()
    assert dict(wish(Settings(), cdn_loop=f"cloudflare,{loops.MARK};a=b").ask.headers) == {"cdn-loop": loops.MARK}
    for mark in (loops.MARK, other):
        said = ", ".join([mark] * (loops.MOST + 1))
        with pytest.raises(SourceError) as error:
            wish(Settings(), cdn_loop=said)
        assert (error.value.status, error.value.public) == (508, "Loop detected")
    assert wish(Settings(), cdn_loop=f"x{loops.MARK}").ask.headers == ()
