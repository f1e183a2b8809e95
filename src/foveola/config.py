"""The settings of the server: one table, read from `IMGPROXY_*` once, frozen.

The fields of `Settings` are the table: each says its kind, its default and what it does; the parser, the documentation
and `foveola serve --help` read them, and a new setting is a new field. All problems are reported together, because a
server that starts after the fourth try has wasted three. The core never sees this module: it is handed values.
Source: https://docs.imgproxy.net/configuration/options
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, Literal

from foveola import kinds, settings
from foveola.errors import ArgumentError, ConfigError, expected
from foveola.goal import METHODS, Asked, Configured, Method, resolve
from foveola.kinds import BOOLEAN, FORMAT, HEX, TEXT, Kind
from foveola.picture import WRITTEN, Limits
from foveola.pipeline import Accepted, Defaults
from foveola.settings import ONE_THREAD, PREDICTED, Inference
from foveola.sources.base import Reach
from foveola.urls import Grammar, Keys
from foveola.variables import Setting, codec_rows

PREFIX = "IMGPROXY_"
OURS = "FOVEOLA_"
"""What the names of settings begin with that imgproxy does not have."""
QUALITIES: Mapping[str, int] = {"webp": 79, "avif": 63, "jxl": 77}
"""imgproxy's quality of the formats whose scale is not JPEG's; `FORMAT_QUALITY` is laid over it."""

_log = logging.getLogger("foveola.config")
_SECONDS = kinds.integer(1)
_QUALITY = kinds.integer(1, 100)
_BOUND = kinds.integer(0, 100)
_MEGAPIXELS = kinds.number()
_BOUNDS = kinds.pairs(FORMAT, _BOUND)


def _read_store(text: str) -> str:
    if text in ("memory", "off") or "/" in text:
        return text
    raise ValueError(text)


_PATH = Kind("`none` or the path of a `.pb` or `.onnx` file", str)
_LANES = kinds.integer(1, 1024)  # OpenVINO takes any 32 bits, and no processor has more
_MODE = kinds.word("performance", "accuracy")
_STORE = Kind("`memory`, `off`, a path with a slash, or an address `redis://…`", _read_store)


def _row(default: Any, kind: Kind[Any], doc: str, *, secret: bool = False, prefix: str = PREFIX) -> Any:
    metadata = {"kind": kind, "doc": doc, "secret": secret, "prefix": prefix}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), repr=not secret, metadata=metadata)
    return field(default=default, repr=not secret, metadata=metadata)


def _net(format: str) -> Any:
    doc = f"The network that says the first quality of {format} with method `ml`; ours when empty, or `none`."
    return _row("", _PATH, doc)


def _of_all(what: str) -> str:
    return f"{what} of all networks, where `IMGPROXY_AUTOQUALITY_ML_…` does not say it of those of method `ml`."


@dataclass(frozen=True)
class Settings:
    """What the environment says; every field is a variable, `codecs` is those of the encoders."""

    bind: str = _row(":8080", TEXT, "Where to listen: `host:port`, or a path when `NETWORK` is `unix`.")
    network: str = _row("tcp", kinds.word("tcp", "tcp4", "tcp6", "unix"), "What `BIND` is an address of.")
    path_prefix: str = _row("", TEXT, "What stands before every path, with its leading slash.")
    timeout: int = _row(10, _SECONDS, "Seconds a request may take before it is answered 503.")
    download_timeout: int = _row(5, _SECONDS, "Seconds the source may take before the answer is 504.")
    keep_alive_timeout: int = _row(10, kinds.integer(), "Seconds an idle connection is kept; 0 closes at once.")
    graceful_stop_timeout: int = _row(20, kinds.integer(), "Seconds that running requests have left after SIGTERM.")
    workers: int = _row(0, kinds.integer(), "Processes that work on pictures; 0 for one a core.")
    requests_queue_size: int = _row(
        0, kinds.integer(), "Requests that may wait before others get 429; 0 for any number."
    )
    ttl: int = _row(31_536_000, kinds.integer(), "Seconds an answer may be cached; 0 says `no-cache`.")
    user_agent: str = _row("", TEXT, "How sources are asked; foveola and its version when empty.")
    enable_debug_headers: bool = _row(
        False, BOOLEAN, "Whether answers carry `X-Autoquality`, `X-Origin-*`, `X-Result-*`."
    )
    log_level: str = _row("info", kinds.word("debug", "info", "warn", "error"), "What is logged at least.")

    key: tuple[bytes, ...] = _row((), kinds.listed(HEX), "Keys of the signature, in hexadecimal.", secret=True)
    salt: tuple[bytes, ...] = _row((), kinds.listed(HEX), "Salts of the signature, one a key.", secret=True)
    signature_size: int = _row(32, kinds.integer(1, 32), "Bytes of the signature that are used.")
    trusted_signatures: tuple[str, ...] = _row(
        (), kinds.listed(TEXT), "Signatures that are good for every path.", secret=True
    )
    secret: str = _row("", TEXT, "What `Authorization: Bearer` has to say; nothing when empty.", secret=True)
    allow_origin: str = _row("", TEXT, "The value of `Access-Control-Allow-Origin`; not sent when empty.")
    arguments_separator: str = _row(":", TEXT, "What stands between the arguments of an option.")
    base_url: str = _row("", TEXT, "What is put before every source that does not begin with it.")
    base64_url_includes_filename: bool = _row(False, BOOLEAN, "Whether a base64 source ends with a file name to drop.")
    allowed_processing_options: tuple[str, ...] = _row(
        (), kinds.listed(TEXT), "Names of the options that URLs may use, as written; all when empty."
    )

    local_filesystem_root: str = _row("", TEXT, "The folder that `local://` is; none when empty.")
    source_url_query_separator: str = _row(
        "?", TEXT, "What ends the path in `local://` where no file has it in its name; nothing when set and empty."
    )
    allowed_sources: tuple[str, ...] = _row(
        (), kinds.listed(TEXT), "What sources may begin with, `*` for anything but a slash; all when empty."
    )
    max_src_file_size: int = _row(0, kinds.integer(), "Bytes a source may have; 0 for any.")
    max_src_resolution: float = _row(50.0, _MEGAPIXELS, "Megapixels a source may have; 0 for any.")
    max_result_dimension: int = _row(0, kinds.integer(), "Pixels a side of the result may have; 0 for any.")
    max_redirects: int = _row(10, kinds.integer(), "Redirects of a source that are followed.")
    allow_loopback_source_addresses: bool = _row(False, BOOLEAN, "Whether sources may be on this machine.")
    allow_link_local_source_addresses: bool = _row(False, BOOLEAN, "Whether sources may be on link-local addresses.")
    allow_private_source_addresses: bool = _row(True, BOOLEAN, "Whether sources may be on private addresses.")

    quality: int = _row(80, _QUALITY, "The quality where nothing else says one.")
    format_quality: Mapping[str, int] = _row(
        dict(QUALITIES), kinds.pairs(FORMAT, _QUALITY), "The quality by format, laid over the built-in ones."
    )
    preferred_formats: tuple[str, ...] = _row(
        ("jpeg", "png", "gif"), kinds.listed(kinds.word("jpg", *WRITTEN)), "Formats of results where a URL names none."
    )
    auto_webp: bool = _row(False, BOOLEAN, "Whether WebP is chosen for clients that accept it, where none is named.")
    auto_avif: bool = _row(False, BOOLEAN, "Whether AVIF is chosen for clients that accept it, where none is named.")
    auto_jxl: bool = _row(False, BOOLEAN, "Whether JPEG XL is chosen for clients that accept it, where none is named.")
    enforce_webp: bool = _row(False, BOOLEAN, "Whether clients that accept WebP get it whatever the URL names.")
    enforce_avif: bool = _row(False, BOOLEAN, "Whether clients that accept AVIF get it whatever the URL names.")
    enforce_jxl: bool = _row(False, BOOLEAN, "Whether clients that accept JPEG XL get it whatever the URL names.")

    autoquality_method: Method = _row(  # noqa: RUF009  # a field, like the others
        "none", kinds.word(*METHODS), "What is searched for where a URL says nothing."
    )
    autoquality_target: float | None = _row(
        None, kinds.number(), "Bytes for `size`; DSSIM 0..1 for `dssim` and `ml`, which take 0.02 without one."
    )
    autoquality_min: int = _row(0, _BOUND, "The lowest quality allowed; 0 for the built-in 70.")
    autoquality_max: int = _row(0, _BOUND, "The highest quality allowed; 0 for the built-in 80.")
    autoquality_format_min: Mapping[str, int] = _row({}, _BOUNDS, "The lowest quality by format; built in: avif=60.")
    autoquality_format_max: Mapping[str, int] = _row({}, _BOUNDS, "The highest quality by format; built in: avif=65.")
    autoquality_allowed_error: float = _row(0.002, kinds.number(0, 1), "How far from the target a DSSIM may be.")
    autoquality_max_resolution: float = _row(
        0.0, _MEGAPIXELS, "Megapixels above which a result is saved without a search; 0 for none."
    )
    autoquality_jpeg_net: str = _net("JPEG")
    autoquality_webp_net: str = _net("WebP")
    autoquality_avif_net: str = _net("AVIF")
    autoquality_jxl_net: str = _net("JPEG XL")
    autoquality_ml_inference_num_streams: int | None = _row(
        None,
        _LANES,
        "Inferences of one network at a time in a worker, which has one picture at a time.",
    )
    autoquality_ml_inference_num_threads: int | None = _row(
        None, _LANES, "Threads of one inference; 1 when empty, for the workers share the cores already."
    )
    autoquality_ml_execution_mode: Literal["performance", "accuracy"] | None = _row(
        None, _MODE, "Whether the operations of a network may be fused for speed."
    )
    autoquality_ml_cpu_pinning: bool | None = _row(
        None, BOOLEAN, "Whether the threads of an inference stay on their cores."
    )
    ml_num_streams: int | None = _row(None, _LANES, _of_all("Inferences at a time"))
    max_ml_concurrency: int | None = _row(None, _LANES, "The earlier name of `IMGPROXY_ML_NUM_STREAMS`.")
    ml_inference_num_threads: int | None = _row(None, _LANES, _of_all("Threads of one inference"))
    ml_execution_mode: Literal["performance", "accuracy"] | None = _row(None, _MODE, _of_all("The mode"))
    ml_cpu_pinning: bool | None = _row(None, BOOLEAN, _of_all("Whether threads stay on their cores"))

    decisions: str = _row(
        "memory",
        _STORE,
        "Where the qualities that were found are remembered: in the `memory` of the server, in a file of SQLite, in "
        "Redis (with the extra `[redis]`), or nowhere (`off`).",
        secret=True,
        prefix=OURS,
    )
    decisions_size: int = _row(
        50_000,
        kinds.integer(1),
        "How many are kept, each half a kilobyte; Redis has its own limits.",
        prefix=OURS,
    )
    decisions_check: int = _row(
        100, kinds.integer(), "Of so many remembered qualities one is measured again; 0 for none.", prefix=OURS
    )

    codecs: Mapping[str, Any] = field(
        default_factory=lambda: {name: kind() for name, kind in settings.SETTINGS.items()}
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings.

        Args:
            environ: the environment, or a part of it; names without the prefix are left alone, but for `PORT`.

        Raises:
            ConfigError: one or more of them can't be used; its message has a line for each.
        """
        found, problems = cls.read(environ)
        if problems:
            raise ConfigError("\n".join(problems))
        return found

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
        """Return the settings, with defaults for those that can't be read, and a sentence for each problem."""
        for sentence in unknown(environ):
            _log.warning(sentence)
        values, problems = _read(environ)
        found = cls(**_assembled(values))
        problems += _problems(found)
        problems += [f"{PREFIX}{name}: {reason}" for name, reason in REFUSED.items() if environ.get(PREFIX + name)]
        return found, problems

    @property
    def keys(self) -> Keys:
        """What signatures are checked with."""
        pairs = tuple(zip(self.key, self.salt, strict=True))
        return Keys(pairs, self.signature_size, frozenset(self.trusted_signatures))

    @property
    def grammar(self) -> Grammar:
        """How paths are read."""
        allowed = frozenset(self.allowed_processing_options)
        return Grammar(self.arguments_separator, self.base_url, self.base64_url_includes_filename, allowed)

    @property
    def goal(self) -> Configured:
        """What is searched for where a URL says nothing."""
        asked = Asked(
            self.autoquality_method,
            self.autoquality_target,
            self.autoquality_min or None,
            self.autoquality_max or None,
            self.autoquality_allowed_error,
        )
        return Configured(asked, self.autoquality_format_min, self.autoquality_format_max)

    @property
    def defaults(self) -> Defaults:
        """What the pipeline takes where a URL says nothing."""
        return Defaults(
            quality=self.quality,
            format_quality=self.format_quality,
            autoquality=self.goal,
            max_resolution=self.autoquality_max_resolution,
            settings=self.codecs,
            preferred_formats=self.preferred_formats,
            max_result_dimension=self.max_result_dimension,
            limits=Limits(pixels=round(self.max_src_resolution * 1e6)),
            networks=self.networks,
            inference=self.inference,
        )

    @property
    def networks(self) -> Mapping[str, str]:
        """Which network says the first quality of each format."""
        return {name: getattr(self, f"autoquality_{name}_net") for name in PREDICTED}

    @property
    def inference(self) -> Inference:
        """How networks are run: what is said of method `ml`, else of all networks, else what suits the workers."""
        streams = (self.autoquality_ml_inference_num_streams, self.ml_num_streams, self.max_ml_concurrency)
        threads = (self.autoquality_ml_inference_num_threads, self.ml_inference_num_threads)
        said: dict[str, tuple[Any, ...]] = {
            "streams": streams,
            "threads": threads,
            "mode": (self.autoquality_ml_execution_mode, self.ml_execution_mode),
            "pinning": (self.autoquality_ml_cpu_pinning, self.ml_cpu_pinning),
        }
        found = {name: [value for value in values if value is not None] for name, values in said.items()}
        return replace(ONE_THREAD, **{name: values[0] for name, values in found.items() if values})

    @property
    def reach(self) -> Reach:
        """Where pictures may come from."""
        return Reach(
            local_root=self.local_filesystem_root,
            query_separator=self.source_url_query_separator,
            allowed=self.allowed_sources,
            max_bytes=self.max_src_file_size,
            timeout=self.download_timeout,
            max_redirects=self.max_redirects,
            loopback=self.allow_loopback_source_addresses,
            link_local=self.allow_link_local_source_addresses,
            private=self.allow_private_source_addresses,
            user_agent=self.user_agent,
        )

    def accepted(self, accept: str) -> Accepted:
        """Return what the settings make of a client's `Accept`."""
        known = [name for name in ("jxl", "avif", "webp") if f"image/{name}" in accept]
        enforced = tuple(name for name in known if getattr(self, f"enforce_{name}"))
        return Accepted(tuple(n for n in known if n in enforced or getattr(self, f"auto_{n}")), enforced)

    @property
    def varies(self) -> bool:
        """Whether answers depend on `Accept`."""
        return self.accepted("image/jxl,image/avif,image/webp") != Accepted()


REFUSED: Mapping[str, str] = {
    "ONLY_PRESETS": "presets are not served by this version, and URLs would not be restricted as asked",
}
"""Settings that restrict what imgproxy serves and that this version can't keep: better no server than an open one."""


def _rows() -> Iterator[Setting]:
    for f in fields(Settings):
        if "kind" in f.metadata:
            default = f.default if f.default_factory is MISSING else f.default_factory()
            said = dict(f.metadata)
            yield Setting(said.pop("prefix") + f.name.upper(), f.name, default=default, **said)
    yield from codec_rows(PREFIX)


SETTINGS: tuple[Setting, ...] = tuple(_rows())
NAMES = frozenset(row.name for row in SETTINGS)
KERNELS = frozenset({"FOVEOLA_KERNELS", "FOVEOLA_SIMD"})
"""Names that `foveola.kernels` reads."""


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each name of ours or imgproxy's that is set and not read, with the nearest that is."""
    read = NAMES | KERNELS | {PREFIX + name for name in REFUSED}
    names = sorted(name for name in environ if name.startswith((PREFIX, OURS)) and name not in read)
    near = [(name, difflib.get_close_matches(name, NAMES, 1, 0.8)) for name in names]
    return [f"{name} is not read by this version" + (f"; did you mean {n[0]}?" if n else "") for name, n in near]


def _read(environ: Mapping[str, str]) -> tuple[dict[Setting, Any], list[str]]:
    """Return what is set, and a sentence for each that can't be read."""
    values: dict[Setting, Any] = {}
    problems = []
    for row in SETTINGS:
        text = environ.get(row.name, "")
        if not text and not (row.field == "source_url_query_separator" and row.name in environ):
            continue
        try:
            values[row] = row.kind.read(text)
        except ValueError:
            problems.append(expected(row.kind.what, row.name, "…" if row.secret else text))
    if "IMGPROXY_BIND" not in environ and environ.get("PORT"):
        values[next(row for row in SETTINGS if row.field == "bind")] = ":" + environ["PORT"]
    return values, problems


def _assembled(values: Mapping[Setting, Any]) -> dict[str, Any]:
    """Return the fields of `Settings` for what was read."""
    found = {row.field: value for row, value in values.items() if not row.format}
    found["format_quality"] = {**QUALITIES, **found.get("format_quality", {})}
    if "preferred_formats" in found:
        found["preferred_formats"] = tuple("jpeg" if n == "jpg" else n for n in found["preferred_formats"])
    found["codecs"] = {
        name: kind(**{row.field: value for row, value in values.items() if row.format == name})
        for name, kind in settings.SETTINGS.items()
    }
    return found


def _problems(found: Settings) -> list[str]:
    """Return what is wrong with settings that are each right by themselves."""
    problems = []
    if len(found.key) != len(found.salt):
        problems.append(expected(f"as many salts as keys ({len(found.key)})", "IMGPROXY_SALT", len(found.salt)))
    try:
        resolve("jpeg", Asked(), found.goal)
    except ArgumentError as error:
        problems.append(f"IMGPROXY_AUTOQUALITY_*: {error}")
    return problems
