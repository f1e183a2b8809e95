"""All settings together, and what the parts of the server are handed of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from foveola import __version__, settings
from foveola.config import presets, problems, reading
from foveola.config.decisions import Decisions
from foveola.config.formats import Formats
from foveola.config.images import Images
from foveola.config.log import Log
from foveola.config.looks import Looks
from foveola.config.monitoring import Monitoring
from foveola.config.quality import Quality
from foveola.config.security import Security
from foveola.config.server import Server
from foveola.config.sources import Sources
from foveola.config.urls import Urls
from foveola.errors import ConfigError
from foveola.goal import Asked, Configured
from foveola.picture import Limits, pixels
from foveola.pipeline import Accepted, Defaults
from foveola.sandbox import Fence
from foveola.settings import ONE_THREAD, PREDICTED, Inference
from foveola.sources.base import Reach, Stores
from foveola.urls import Grammar, Keys
from foveola.urls.grammar import replacements
from foveola.variables import Setting

_log = logging.getLogger("foveola.config")


def _codecs() -> dict[str, Any]:
    return {name: kind() for name, kind in settings.SETTINGS.items()}


@dataclass(frozen=True)
class Settings:
    """What the environment says, in groups; every field of a group is a variable, `codecs` is those of the encoders."""

    server: Server = field(default_factory=Server)
    urls: Urls = field(default_factory=Urls)
    security: Security = field(default_factory=Security)
    sources: Sources = field(default_factory=Sources)
    quality: Quality = field(default_factory=Quality)
    formats: Formats = field(default_factory=Formats)
    looks: Looks = field(default_factory=Looks)
    images: Images = field(default_factory=Images)
    monitoring: Monitoring = field(default_factory=Monitoring)
    log: Log = field(default_factory=Log)
    decisions: Decisions = field(default_factory=Decisions)
    codecs: Mapping[str, Any] = field(default_factory=_codecs)

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
        found = examine(environ)
        for sentence in found.warnings:
            _log.warning(sentence)
        return found.settings, list(found.problems)

    def text(self, row: Setting) -> str:
        """Return the value of a setting as the environment would say it; empty where nothing is set."""
        group = self.codecs[row.format] if row.format else getattr(self, row.group)
        value = getattr(group, row.field)
        kind = row.separated(getattr(group, row.separator)) if row.separated else row.kind
        return str(value).lower() if isinstance(value, bool) else "" if value is None else kind.write(value)

    @property
    def keys(self) -> Keys:
        """What signatures are checked with."""
        pairs = tuple(zip(self.urls.key, self.urls.salt, strict=True))
        return Keys(pairs, self.urls.signature_size, frozenset(self.urls.trusted_signatures))

    @property
    def crew(self) -> int:
        """How many workers there are."""
        return self.server.workers or len(os.sched_getaffinity(0))

    @property
    def grammar(self) -> Grammar:
        """How paths are read; its presets are read anew each time."""
        said, security = self.urls, self.security.allow_security_options
        info_only = said.only_presets if said.info_only_presets is None else said.info_only_presets
        return Grammar(
            separator=said.arguments_separator,
            base_url=said.base_url,
            filename=said.base64_url_includes_filename,
            allowed=frozenset(said.allowed_processing_options),
            presets=presets.presets(said, security=security),
            only_presets=said.only_presets,
            replacements=replacements(said.url_replacements),
            encryption_key=said.source_url_encryption_key,
            security=security,
            chained=said.max_chained_pipelines,
            info_allowed=frozenset(said.allowed_info_options),
            info_presets=presets.info_presets(said, security=security),
            info_only_presets=info_only,
        )

    @property
    def goal(self) -> Configured:
        """What is searched for where a URL says nothing."""
        asked = Asked(
            self.quality.autoquality_method,
            self.quality.autoquality_target,
            self.quality.autoquality_min or None,
            self.quality.autoquality_max or None,
            self.quality.autoquality_allowed_error,
        )
        return Configured(asked, self.quality.autoquality_format_min, self.quality.autoquality_format_max)

    @property
    def defaults(self) -> Defaults:
        """What the pipeline takes where a URL says nothing: what has the same name here, and what is made of more."""
        groups = (self.quality, self.formats, self.looks, self.security, self.images)
        same = {f.name: getattr(g, f.name) for f in fields(Defaults) for g in groups if hasattr(g, f.name)}
        return Defaults(
            **same,
            autoquality=self.goal,
            max_resolution=self.quality.autoquality_max_resolution,
            settings=self.codecs,
            limits=self.limits,
            networks=self.networks,
            inference=self.inference,
        )

    @property
    def limits(self) -> Limits:
        """How big sources may be."""
        said = self.security
        return Limits(
            pixels=pixels(said.max_src_resolution),
            frames=said.max_animation_frames,
            frame_pixels=pixels(said.max_animation_frame_resolution),
        )

    @property
    def networks(self) -> Mapping[str, str]:
        """Which network says the first quality of each format."""
        return {name: getattr(self.quality, f"autoquality_{name}_net") for name in PREDICTED}

    @property
    def inference(self) -> Inference:
        """How networks are run: what is said of method `ml`, else of all networks, else what suits the workers."""
        said = self.quality
        given: dict[str, tuple[Any, ...]] = {
            "streams": (said.autoquality_ml_inference_num_streams, said.ml_num_streams),
            "threads": (said.autoquality_ml_inference_num_threads, said.ml_inference_num_threads),
            "mode": (said.autoquality_ml_execution_mode, said.ml_execution_mode),
            "pinning": (said.autoquality_ml_cpu_pinning, said.ml_cpu_pinning),
        }
        found = {name: [value for value in values if value is not None] for name, values in given.items()}
        return replace(ONE_THREAD, **{name: values[0] for name, values in found.items() if values})

    @property
    def reach(self) -> Reach:
        """Where pictures may come from."""
        return Reach(
            local_root=self.sources.local_filesystem_root,
            query_separator=self.urls.source_url_query_separator,
            allowed=self.security.allowed_sources,
            max_bytes=self.security.max_src_file_size,
            memory=self.security.download_memory << 20,
            timeout=self.server.download_timeout,
            keep_alive=self.server.client_keep_alive_timeout,
            max_redirects=self.security.max_redirects,
            loopback=self.security.allow_loopback_source_addresses,
            link_local=self.security.allow_link_local_source_addresses,
            private=self.security.allow_private_source_addresses,
            user_agent=self.server.user_agent.replace("%current_version", __version__),
            proxy=self.sources.use_proxies,
            verify=not self.security.ignore_ssl_verification,
            request_headers=self.server.custom_request_headers,
            stores=Stores(**{f.name: getattr(self.sources, f.name) for f in fields(Stores)}),
        )

    @property
    def fence(self) -> Fence:
        """What workers are kept in: of all that the settings name they read the networks, and what says how."""
        named = [os.path.abspath(path) for path in self.networks.values() if path not in ("", "none")]  # noqa: PTH100
        files = (file for path in named for file in (path, f"{path}.json"))
        most, frames = self.limits.pixels, self.limits.frames * self.limits.frame_pixels
        bounded = most and not self.security.allow_security_options
        return Fence(self.security.sandbox, tuple(files), max(most, frames) if bounded else 0)

    def accepted(self, accept: str) -> Accepted:
        """Return what the settings make of a client's `Accept`."""
        known = [name for name in ("jxl", "avif", "webp") if f"image/{name}" in accept]
        enforced = tuple(name for name in known if getattr(self.formats, f"enforce_{name}"))
        preferred = (name for name in known if name in enforced or getattr(self.formats, f"auto_{name}"))
        return Accepted(tuple(preferred), enforced)

    @property
    def varies(self) -> bool:
        """Whether answers depend on `Accept`."""
        return self.accepted("image/jxl,image/avif,image/webp") != Accepted()


@dataclass(frozen=True)
class Examined:
    """What an environment says, and what there is to say about that.

    Args:
        settings: with the defaults for what can't be read.
        origins: where values come from that are not defaults, by the name of the variable: `environment`, `file`, and
            in brackets the name that it was said by if that is another one.
        problems: a sentence for each reason not to start.
        warnings: a sentence for each variable that does not do what one may think.
    """

    settings: Settings
    origins: Mapping[str, str]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def examine(environ: Mapping[str, str]) -> Examined:
    """Read the settings, and say all that is strange about them.

    Args:
        environ: the environment; the file that it may name is laid under it.
    """
    found = reading.read(environ)
    made = Settings(**found.values)
    wrong, strange = [*found.problems, *problems.problems(made)], [*found.warnings]
    (wrong if made.log.fail_on_deprecation else strange).extend(found.outdated)
    return Examined(made, found.origins, tuple(wrong), tuple(strange))
