"""What is no picture, or two things at once: empty and random files, archives, pages, polyglots."""

from __future__ import annotations

import io
import zipfile
from random import Random

from foveola.picture import FORMATS
from foveola.torture.kind import Kind, Made
from foveola.torture.png import chunk, small
from foveola.torture.seeds import SUFFIXES, any_sound, sound

_HEADS = (
    b"\xff\xd8\xff\xe0",
    b"\x89PNG\r\n\x1a\n", b"GIF89a", b"GIF87a", b"RIFF\xff\xff\xff\xffWEBP",
    b"II*\0", b"MM\0*",
    b"II+\0", b"BM", b"\0\0\1\0", b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n",
    b"\0\0\0\x20ftypavif", b"\0\0\0\x20ftypheic",
    b"<svg", b"<?xml", b"%PDF-1.7", b"PK\3\4", b"\x1f\x8b\x08", b"8BPS",
    b"\0\0\0\x0cjP  \r\n\x87\n", b"SIMPLE  =",
    b"#?RADIANCE\n",
)  # fmt: skip


def short(random: Random) -> Made:
    """Be empty, of one byte, or of the first bytes of a format only."""
    data = random.choice(
        (b"", random.randbytes(1), random.choice(_HEADS)[: random.randint(1, 12)], random.choice(_HEADS))
    )
    return f"short.{random.choice(SUFFIXES)}", data


def noise(random: Random) -> Made:
    """Be noise, zeros or one byte again and again, behind a format's first bytes."""
    head = random.choice((b"", *_HEADS))
    size = random.choice((3, 40, 1000, 60_000))
    return f"noise.{random.choice(SUFFIXES)}", head + random.choice(
        (random.randbytes(size), bytes(size), random.randbytes(1) * size)
    )


def archives(random: Random) -> Made:
    """Be an archive, a document or a page with the name of a picture."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(
            zipfile.ZipInfo(f"{random.getrandbits(32)}.png"), sound("png") + bytes(random.choice((0, 9_000_000)))
        )
    word = f"{random.getrandbits(32)}".encode()
    data = random.choice(
        (
            packed.getvalue(),
            b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj " + word + b"\n%%EOF",
            b"<!DOCTYPE html><html><body><svg xmlns='http://www.w3.org/2000/svg'/>" + word + b"</body></html>",
            b"<html><script>alert(" + word + b")</script></html>",
            b"#!/bin/sh\necho " + word,
            b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/" + word + b"'",
            b"%!PS-Adobe-3.0 EPSF-3.0\n" + word + b" showpage",
            b"P6 1000000 1000000 255\n" + word,
            b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\x75\x30\0\0\x75\x30\0\x08\0\3" + word,
        )
    )
    return f"archive.{random.choice(SUFFIXES)}", data


def polyglots(random: Random) -> Made:
    """Be two formats at once: one behind, in front of or inside the other."""
    suffix, data = any_sound(random)
    other, more = any_sound(random)
    text = f"<script>alert({random.getrandbits(32)})</script>".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(zipfile.ZipInfo("a"), more)
    jpeg = b"\xff\xd8\xff\xfe" + (len(more) % 60_000 + 2).to_bytes(2) + more[: len(more) % 60_000] + sound("jpg")[2:]
    return random.choice(
        (
            (f"polyglot.{suffix}", data + more),
            (f"polyglot.{other}", data + more),
            (f"polyglot.{suffix}", data + text),
            (f"polyglot.{suffix}", data + packed.getvalue()),
            ("polyglot.jpg", jpeg),
            ("polyglot.png", small(chunk(b"tEXt", b"a\0" + text + more))),
            ("polyglot.gif", b"GIF89a/*" + text + b"*/=1;" + data),
            ("polyglot.svg", b"<!--" + data + b"--><svg xmlns='http://www.w3.org/2000/svg'/>"),
            ("polyglot.bmp", b"BM" + text + data),
        )
    )


def names(random: Random) -> Made:
    """Be sound, with a suffix of another kind or none that is known."""
    _, data = any_sound(random)
    return f"named.{random.choice((*FORMATS, 'exe', 'php', 'html', 'zip'))}", data + random.randbytes(1)


OTHERS = (
    Kind("short", "empty, one byte, first bytes only", short),
    Kind("noise", "noise, zeros, one byte again and again", noise),
    Kind("archives", "archives, documents and pages named as pictures", archives),
    Kind("polyglots", "two formats at once", polyglots),
    Kind("names", "sound pictures with other names, and a byte behind them", names),
)
