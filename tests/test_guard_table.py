"""Two hundred addresses and spellings through the real fetch: what is refused is not dialled, whatever it is called.

Below the guard the network is ours: names are looked up in a table here, and each attempt to connect is written down
and fails. So nothing leaves this machine, and the order of what happens is what happens in a server.
"""

# ruff: noqa: RUF001  # what looks like a digit and is none is what is tested

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from foveola.errors import SourceError
from foveola.sources import Reach, Sources, names
from tests.origins import run

REACHES = {
    "default": Reach(),
    "no private": Reach(private=False),
    "loopback": Reach(loopback=True),
    "link_local": Reach(link_local=True),
    "all": Reach(loopback=True, link_local=True, private=True),
}
DIALLED: dict[str, frozenset[str]] = {
    "public": frozenset(REACHES),
    "private": frozenset(REACHES) - {"no private"},
    "loopback": frozenset({"loopback", "all"}),
    "link_local": frozenset({"link_local", "all"}),
    "both": frozenset({"all"}),
    "never": frozenset(),
}
"""Under which of them something is dialled."""

ADDRESSES: dict[str, str] = {
    "public": """
        1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
        168.63.129.15 168.63.129.17
        169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.167.255.255
        192.169.0.0 198.17.255.255 198.20.0.0 203.0.112.255 203.0.114.0 223.255.255.255
        2001:4860:4860::8888 2606:4700::1111 2a00:1450:4001:81b::200e 2001:200:: 2003::1 3ffe::1
        ::ffff:8.8.8.8 ::8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::808:808 64:ff9b::8.8.8.8 64:ff9b:1::8.8.8.8
        64:ff9b:1:808:8:800:: 2002:808:808::1
        2001:0:808:808:8000:63bf:f7f7:f7f7 2001:4860::5efe:8.8.8.8 2001:4860::200:5efe:808:808""",
    "loopback": """
        127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.255 0.0.0.0 0.0.0.1 0.255.255.255 ::1 :: 0:0:0:0:0:0:0:1
        ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:0.0.0.0 ::127.0.0.1 ::7f00:1 ::2 ::ffff:0:127.0.0.1 ::ffff:0:7f00:1
        2002:7f00:1:: 2002:7f00:1::1 2002:0:0::1 64:ff9b::127.0.0.1 64:ff9b::7f00:1 64:ff9b:: 64:ff9b:1::7f00:1
        64:ff9b:1::127.0.0.1 64:ff9b:1:7f00:0:100:: 64:ff9b:1:7f:0:1:: 64:ff9b:1::
        64:ff9b:1:0:7f:0:100:0 2001:0:4136:e378:8000:63bf:80ff:fffe
        2001:0:808:808:0:0:80ff:fffe 2001:4860::5efe:127.0.0.1 2001:4860::200:5efe:7f00:1 2001:4860::300:5efe:7f00:1
        2001:4860::100:5efe:7f00:1""",
    "link_local": """
        169.254.0.0 169.254.0.1 169.254.169.254 169.254.170.2 169.254.255.255 224.0.0.1 224.0.0.251
        fe80::1 fe80::a9fe:a9fe febf::1 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe ::169.254.169.254
        ::ffff:0:169.254.169.254 64:ff9b::a9fe:a9fe 64:ff9b:1::a9fe:a9fe 2002:a9fe:a9fe::
        2001:0:4136:e378:8000:63bf:5601:5601 2001:4860::5efe:169.254.169.254 100.100.100.200 192.0.0.192
        ::ffff:100.100.100.200 64:ff9b::6464:64c8 168.63.129.16 ::ffff:168.63.129.16 64:ff9b::a83f:8110
        fd00:ec2::254 fd20:ce::254""",
    "private": """
        10.0.0.0 10.0.0.1 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.1 192.168.255.255
        100.64.0.0 100.127.255.255 100.100.100.199 100.100.100.201 192.0.0.1
        192.0.0.8 192.0.0.170 192.0.0.255 198.18.0.0 198.19.255.255
        fc00:: fd00::1 fdff::1 fd00:ec2::253 fd20:ce::253 fec0::1 feff::1
        ::ffff:10.0.0.1 ::10.0.0.1 ::ffff:0:192.168.0.1
        2002:a00:1:: 2002:c0a8:1::1 64:ff9b::a00:1 64:ff9b:1::c0a8:1 64:ff9b:1:a00:0:100::
        64:ff9b:1:a:0:1:: 64:ff9b:1:0:a:0:100:0
        2001:0:4136:e378:8000:63bf:f5ff:fffe fd00::5efe:10.0.0.1 fd00::5efe:8.8.8.8""",
    "both": "fe80::5efe:127.0.0.1 fe80::200:5efe:7f00:1",
    "never": """
        192.0.2.0 192.0.2.255 198.51.100.7 203.0.113.0 203.0.113.255 192.88.99.1 224.0.1.0 225.1.1.1 232.0.0.1
        239.255.255.250         240.0.0.0 240.0.0.1 255.255.255.254 255.255.255.255 100::1
    100:0:0:1::1 1::1 200::1 4000::1 5f00::1
        2001:2::1 2001:3::1 2001:10::1 2001:20::1 2001:1::1 2001:db8::1 3fff::1 3fff:fff::1
        ff00::1 ff01::1 ff02::1 ff02::fb ff05::2 ff0e::1 ::ffff:224.0.1.1 ::ffff:255.255.255.255 ::ffff:192.0.2.1
        2002:e000:101:: 64:ff9b::ffff:ffff 64:ff9b:2::1 8000::1 e000::1""",
}
NAMES: dict[str, list[str]] = {
    "good": ["8.8.8.8"],
    "here": ["127.0.0.1"],
    "here6": ["::1"],
    "metadata": ["169.254.169.254"],
    "inside": ["10.0.0.1"],
    "mixed": ["127.0.0.1", "8.8.8.8", "::1"],
    "all-bad": ["127.0.0.1", "169.254.169.254"],
    "zoned": ["fe80::1%1"],
    "xn--bcher-kva": ["8.8.4.4"],
}
"""What the names resolve to; what is no name here is looked up as a number, by the system's own reading."""


@dataclass
class Wires:
    """What is asked of the network."""

    dialled: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def wires(monkeypatch: pytest.MonkeyPatch) -> Wires:
    """Put a network below the guard that writes down what it is asked and connects nobody."""
    told = Wires()

    def look_up(host: str, family: int) -> list[Any]:
        told.asked.append(host)
        found = NAMES.get(host.rstrip(".").lower(), [host])
        flags = socket.AI_NUMERICHOST
        return [info for text in found for info in socket.getaddrinfo(text, None, family, socket.SOCK_STREAM, 0, flags)]

    async def dial(_: object, __: socket.socket, address: tuple[Any, ...]) -> None:
        told.dialled.append(address[0])
        raise ConnectionRefusedError(111, "Nobody is there")

    monkeypatch.setattr(names, "look_up", look_up)
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", dial)
    return told


def fetch(url: str, reach: Reach) -> str:
    """Fetch what can't be fetched, and return what a stranger is told of it."""

    async def work() -> str:
        sources = Sources(reach)
        try:
            with pytest.raises(SourceError) as error:
                await sources.fetch(url)
            assert error.value.status == 404, error.value
            return error.value.public
        finally:
            await sources.close()

    return run(work())


def cases() -> Iterator[tuple[str, str]]:
    for kind, texts in ADDRESSES.items():
        for text in texts.split():
            yield kind, text


def test_the_table_is_long_and_says_nothing_twice() -> None:
    texts = [text for _, text in cases()]

    assert len(set(texts)) == len(texts) >= 150


@pytest.mark.parametrize("reach", REACHES)
def test_an_address_is_dialled_or_refused(wires: Wires, reach: str) -> None:
    """Literals, through the whole of the fetch."""
    for kind, text in cases():
        wires.dialled.clear()
        url = f"http://[{text}]/a.jpg" if ":" in text else f"http://{text}:8080/a.jpg"

        public = fetch(url, REACHES[reach])

        dialled = reach in DIALLED[kind]
        assert bool(wires.dialled) == dialled, (text, wires.dialled)
        assert public == ("Source is unreachable" if dialled else "Invalid source URL"), text
    assert wires.asked == []


@pytest.mark.parametrize("reach", REACHES)
def test_a_name_is_judged_by_what_it_leads_to(wires: Wires, reach: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, text in cases():
        wires.dialled.clear()
        monkeypatch.setitem(NAMES, "somewhere", [text])

        fetch("https://somewhere/a.jpg", REACHES[reach])

        assert bool(wires.dialled) == (reach in DIALLED[kind]), (text, wires.dialled)


REFUSED = """
    http://2130706433/ http://0x7f000001/ http://0x7f.0.0.1/ http://0x7f.1/ http://017700000001/ http://0177.0.0.1/
    http://0177.1/ http://127.1/ http://127.0.1/ http://127.0.0.1./ http://0/ http://0x0/ http://00000000/ http://0./
    http://0177.0.0.01/ http://127.000.000.001/ http://0X7F.0X0.0X0.0X1/ http://4294967295/
    http://0xa9fea9fe/ http://2852039166/
    http://0251.0376.0251.0376/ http://169.254.43518/ http://0xA9.0xFE.0xA9.0xFE/ http://169.16689662/
    http://[::1]/ http://[::1]:80/ http://[0:0:0:0:0:0:0:1]/ http://[::ffff:127.0.0.1]:1/ http://[::FFFF:7F00:1]/
    http://[fe80::1%25eth0]/ http://[fe80::1%251]/ http://[fe80::1%1]/ http://[::1%251]/ http://zoned/
    http://here/ http://HERE/ http://here./ http://here:1/ http://here6/ http://metadata/
    http://metadata./latest/ http://all-bad/
    http://good@127.0.0.1/ http://good:80@127.0.0.1/ http://good%40good@127.0.0.1/
    http://good:x@here/ http://good@here6:80/
    http://127.0.0.1#@good/ http://127.0.0.1?@good/ http://127.0.0.1/@good/ http://127.0.0.1:80#@good:80/
    http://127.0.0.1\\@good/ http://127.0.0.1\\.good/ http://good\\@127.0.0.1/
    http://127.0.0.1\\@here/ http:\\\\127.0.0.1/
    http:///127.0.0.1/ http:////127.0.0.1/ http:127.0.0.1/ http:/127.0.0.1/ //127.0.0.1/
    http://@127.0.0.1/ http://:@127.0.0.1/
    http://good@good@127.0.0.1/ http://127.0.0.1:99999/ http://127.0.0.1:-1/ http://127.0.0.1:x/ http://127.0.0.1:/
    http://127.0.0.1:0/ http://127%2e0%2e0%2e1/ http://%31%32%37.0.0.1/ http://127.0.0.1%00/ http://127.0.0.1%00.good/
    http://127.0.0.1%2f@good:1/../ http://%68ere/ http://here%2e/ http://here%00good/ http://127.0.0.1%23@here/
    http://１２７.0.0.1/ http://①②⑦.⓪.⓪.①/ http://127。0。0。1/ http://127．0．0．1/ http://127｡0｡0｡1/ http://ｈｅｒｅ/ http://ⓗere/
    http://[::①]/ http://[::１]/ http://０x7f000001/ http://[::ffff:１２７.0.0.1]/ http://١٢٧.0.0.1/
    http://[127.0.0.1]/ http://[here]/ http://[::1/ http://::1/ http://::1]/ http://[::1]good/
    http://[::1]@here/ http://good[::1]/
    HTTP://127.0.0.1/ hTTpS://here/ Http://[::1]/ HTTP://2130706433/ http://169.254.169.254/latest/meta-data/
    http://[fd00:ec2::254]/latest/ http://100.100.100.200/latest/ http://[::ffff:a9fe:a9fe]/
    http://[v1.127.0.0.1]/ http:// http://.
    http://./ http://../ http://%/ http://[]/ http://127.0.0.1%09/ http://TAB127.0.0.1/
    http://127.0.0.1TAB/ http://127.0.0.1LINE.good/
    """


@pytest.mark.parametrize("reach", ["default", "no private"])
def test_no_spelling_leads_to_this_machine(wires: Wires, reach: str) -> None:
    urls = [url.replace("TAB", "\t").replace("LINE", "\n") for url in REFUSED.split()]
    assert len(urls) >= 110
    for url in urls:
        fetch(url + "a.jpg" * url.endswith("/"), REACHES[reach])

        # what other programs read as the host after it, `good`, is nothing that this machine has to itself
        assert set(wires.dialled) <= {"8.8.8.8"}, url
        if "good" not in url:
            assert wires.dialled == [], url
        wires.dialled.clear()


def test_what_is_read_as_loopback_is_dialled_where_it_may_be(wires: Wires) -> None:
    """The counterpart, so that the table above refuses for the reason that it is about."""
    for url in (
        *("http://127.0.0.1/", "http://good@127.0.0.1/", "http://127.0.0.1#@good/", "http://127.0.0.1?@good/"),
        *("HTTP://127.0.0.1/", "http://１２７.0.0.1/", "http://here./", "http://HERE/", "http://127.0.0.1:/"),
    ):
        assert fetch(url, REACHES["loopback"]) == "Source is unreachable"
        assert wires.dialled == ["127.0.0.1"], url
        wires.dialled.clear()


@pytest.mark.parametrize(
    ("url", "dialled"),
    [
        ("http://good/", "8.8.8.8"),
        ("http://127.0.0.1@good/", "8.8.8.8"),
        ("http://good/#@127.0.0.1", "8.8.8.8"),
        ("http://good?@127.0.0.1/", "8.8.8.8"),
        ("http://bücher/", "8.8.4.4"),
        ("http://BÜCHER/", "8.8.4.4"),
        ("http://8.8.8.8:65535/", "8.8.8.8"),
        ("HTTPS://GOOD/", "8.8.8.8"),
        ("http://mixed/", "8.8.8.8"),
    ],
)
def test_others_are_dialled_and_nobody_else(wires: Wires, url: str, dialled: str) -> None:
    fetch(url, Reach())

    assert set(wires.dialled) == {dialled}


@pytest.mark.parametrize(("url", "allowed"), [("HTTP://good/", ("HTTP://",)), ("http://good/", ("http://",))])
def test_capitals_are_allowed_as_small_letters(wires: Wires, url: str, allowed: tuple[str, ...]) -> None:
    assert fetch(url, Reach(allowed=allowed)) == "Source is unreachable"
    assert wires.dialled == ["8.8.8.8"]

    wires.dialled.clear()
    assert fetch(url.swapcase(), Reach(allowed=allowed)) == "Source is unreachable"
    assert wires.dialled == ["8.8.8.8"]
