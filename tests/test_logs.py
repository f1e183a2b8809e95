"""Logs are imgproxy's in four formats, and nothing that a stranger sends can forge a line."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveola import urls
from foveola.server import logs

FIELDS: dict[str, Any] = {
    "request_id": "q-1",
    "method": "GET",
    "status": 200,
    "time": 1.5,
    "met": True,
    "none": None,
    "url": 'a "b"',
}


@dataclass(frozen=True)
class Asked:
    log_format: str = "json"
    log_level: str = "info"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the root logger and the clock back as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)
    monkeypatch.undo()
    time.tzset()


def record(message: str, level: int = logging.INFO, **fields: Any) -> logging.LogRecord:
    made = logging.LogRecord("foveola.server", level, "", 0, message, (), None)
    made.created = 1_700_000_000.25
    made.fields = fields
    return made


def line(format: str, message: str, level: int = logging.INFO, **fields: Any) -> str:
    return logs.Lines(format).format(record(message, level, **fields))


LINES = {
    "pretty": "2023-11-14 22:13:20 [INF] Started /a b request_id=q-1 method=GET status=200 time=1.5 met=true none=none "
    'url="a \\"b\\""',
    "structured": 'time="2023-11-14 22:13:20" level="INFO" msg="Started /a b" request_id="q-1" method="GET" status=200 '
    'time=1.5 met=true none=none url="a \\"b\\""',
}


@pytest.mark.parametrize("format", LINES)
def test_a_line_of_text(format: str) -> None:
    assert line(format, "Started /a b", **FIELDS) == LINES[format]


@pytest.mark.parametrize(("format", "level", "message"), [("json", "level", "msg"), ("gcp", "severity", "message")])
def test_a_line_of_json(format: str, level: str, message: str) -> None:
    fields = {name: value for name, value in FIELDS.items() if name != "time"}

    told = json.loads(line(format, "Started /a b", logging.WARNING, **fields))

    assert told == {"time": "2023-11-14T22:13:20Z", level: "WARNING", message: "Started /a b", **fields}
    assert list(told)[:3] == ["time", level, message]


def test_json_says_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    logs._zoned.cache_clear()

    assert json.loads(line("json", "x"))["time"] == "2023-11-15T03:43:20+05:30"
    logs._zoned.cache_clear()


def test_what_json_has_no_word_for_is_text() -> None:
    told = json.loads(line("json", "x", number=float("nan"), path=io.StringIO))

    assert told["number"] == "nan"
    assert "StringIO" in told["path"]


@pytest.mark.parametrize("format", logs.FORMATS)
def test_an_exception_is_one_field_at_the_end(format: str) -> None:
    made = record("Unforeseen", logging.ERROR, error="first", status=500)
    try:
        raise ValueError("bad\nlines")
    except ValueError:
        made.exc_info = sys.exc_info()

    written = logs.Lines(format).format(made)

    assert "\n" not in written
    assert re.search(r'status"?[=:] ?500,? "?error"?[=:] ?"?first"?,? "?stack"?[=:] ?"Traceback', written)
    assert "ValueError: bad\\nlines" in written


def test_an_exception_names_the_error_where_no_one_has() -> None:
    made = record("Unforeseen", logging.ERROR)
    made.exc_info = (KeyError, KeyError("a"), None)

    assert json.loads(logs.Lines("json").format(made))["error"] == "KeyError: 'a'"


FORGED = '/x\n2023-11-14 22:13:20 [INF] forged\r\x85\u2028\x1b[2J\x9b2J\u202egnp" level="ERROR\\'
SEPARATORS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize("format", logs.FORMATS)
def test_no_line_is_forged(format: str) -> None:
    written = line(format, FORGED, url=FORGED, **{FORGED: 1})

    assert not SEPARATORS.search(written)
    assert len(written.splitlines()) == 1
    if format == "structured":
        assert re.findall(r'(?<!\\)" level="(\w+)"', written) == ["INFO"]


@given(st.text(st.characters()), st.text(st.characters()), st.sampled_from(logs.FORMATS))
def test_one_record_is_one_line(message: str, value: str, format: str) -> None:
    written = line(format, message, url=value)

    assert not SEPARATORS.search(written)
    if format == "json":
        assert json.loads(written)["url"].encode("utf-16", "surrogatepass") == value.encode("utf-16", "surrogatepass")


def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    outs: list[io.StringIO] = [Terminal(), io.StringIO()]
    for out in outs:
        logs.setup(Asked("pretty"), out)
        logging.getLogger("foveola").error("Broken", extra={"fields": {"status": 500}})
    with_colour, without = (out.getvalue() for out in outs)

    assert "\x1b[31m[ERR]\x1b[0m Broken \x1b[31mstatus=\x1b[0m500\n" in with_colour
    assert without.endswith("[ERR] Broken status=500\n")
    assert re.sub(r"\x1b\[\d+m", "", with_colour)[19:] == without[19:]


@pytest.mark.parametrize(("out", "begin"), [(Terminal(), r"\d{4}-\d\d-\d\d "), (io.StringIO(), 'time="')])
def test_an_empty_format_is_told_by_the_stream(out: io.StringIO, begin: str) -> None:
    logs.setup(Asked(""), out)
    logging.getLogger("foveola").warning("x")

    assert re.match(begin, out.getvalue())


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warn", 2), ("error", 1)])
def test_what_is_below_the_level_is_left_out(level: str, count: int) -> None:
    out = io.StringIO()
    logs.setup(Asked("json", level), out)
    log = logging.getLogger("foveola.any")
    for say in (log.debug, log.info, log.warning, log.error):
        say("x")

    assert len(out.getvalue().splitlines()) == count


def test_libraries_are_asked_to_be_quiet() -> None:
    out = io.StringIO()
    logs.setup(Asked("json", "debug"), out)
    logging.getLogger("pyvips.voperation").debug("x")

    assert out.getvalue() == ""


REQUESTS = [(200, "INFO"), (304, "INFO"), (404, "WARNING"), (499, "WARNING"), (500, "ERROR"), (503, "ERROR")]


@pytest.mark.parametrize(("status", "level"), REQUESTS)
def test_requests_are_written_down_as_imgproxy_does(status: int, level: str) -> None:
    out = io.StringIO()
    logs.setup(Asked("json"), out)
    fields = {"request_id": "r", "method": "GET", "client_ip": "10.0.0.1"}

    logs.started("/p", fields)
    logs.completed("/p", 0.0145, status, fields | {"image_url": "local:///a", "error": "why"})
    first, last = map(json.loads, out.getvalue().splitlines())

    assert {**first, "time": ""} == {"time": "", "level": "INFO", "msg": "Started /p", **fields}
    expected = {"time": "", "level": level, "msg": "Completed in 14.5ms /p", **fields}
    assert {**last, "time": ""} == expected | {"image_url": "local:///a", "status": status, "error": "why"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0008125, "812.5µs"), (0.014062, "14.062ms"), (0.9999, "999.9ms"), (1.5, "1.5s"), (61.5, "1m1.5s")],
)
def test_durations_are_gos(seconds: float, text: str) -> None:
    assert logs.duration(seconds) == text


WORKER = """
import logging, os
from foveola.config import Settings
from foveola.server import logs
logs.setup(Settings.from_env(os.environ).log)
logging.getLogger("foveola.worker").warning("Said \\udce9 by a worker")
"""


def test_what_can_not_be_encoded_is_written_all_the_same() -> None:
    environ = {**os.environ, "IMGPROXY_LOG_FORMAT": "gcp", "PYTHONIOENCODING": "ascii"}

    done = subprocess.run([sys.executable, "-c", WORKER], env=environ, capture_output=True, check=True)

    assert json.loads(done.stdout)["message"] == "Said \udce9 by a worker"
    assert json.loads(done.stdout)["severity"] == "WARNING"
    assert done.stderr == b""


def test_a_record_of_several_values_is_one_text_that_reads_like_the_header() -> None:
    out = io.StringIO()
    logs.setup(Asked("structured"), out)
    record = {"method": "dssim", "quality": 78, "dssim": 0.0204, "met": True}

    logging.getLogger("foveola").info("x", extra={"fields": {"autoquality": record}})

    assert 'autoquality="method=dssim, quality=78, dssim=0.0204, met=true"' in out.getvalue()


def test_of_each_picture_a_few_records_are_written_and_the_last_says_so() -> None:
    few = logs.Few(3)

    for _ in range(2):
        few.begin()
        records = [logging.LogRecord("pyvips", logging.WARNING, "", 0, f"VIPS: {n}", (), None) for n in range(90)]
        written = [record.getMessage() for record in records if few.filter(record)]
        assert written == ["VIPS: 0", "VIPS: 1", "VIPS: 2 (and whatever more is said of this picture)"]


def test_of_each_second_a_few_records_are_written() -> None:
    now = [5.0]
    seldom = logs.Seldom(2, "options", lambda: now[0])
    written = []
    for moment in (5.0, 5.1, 5.9, 6.0, 6.1, 6.2):
        now[0] = moment
        record = logging.LogRecord("foveola.options", logging.WARNING, "", 0, f"{moment}", (), None)
        written += [record.getMessage()] if seldom.filter(record) else []

    more = " (and whatever more is said of options)"
    assert written == ["5.0", f"5.1{more}", "6.0", f"6.1{more}"]


def test_a_url_can_not_have_its_options_fill_the_log() -> None:
    """999 times `el:x` in a URL were 999 warnings, 120 kB."""
    out = io.StringIO()
    logs.setup(Asked("pretty"), out)

    urls.parse("el:x/" * 999 + "plain/http://e.com/a")

    assert 0 < out.getvalue().count("neither true nor false") <= 20
