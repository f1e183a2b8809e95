"""The settings of who may ask, for what, and how much of it.

Source: https://docs.imgproxy.net/configuration/options#security
"""

from __future__ import annotations

from dataclasses import dataclass

from foveola import kinds
from foveola.config.rows import COUNT, MEGAPIXELS, OURS, PATTERNS, off, on, row, text
from foveola.sandbox import MODES


@dataclass(frozen=True)
class Security:
    """Security."""

    secret: str = text("What `Authorization: Bearer` has to say; nothing when empty.", secret=True)
    allow_origin: str = text("The value of `Access-Control-Allow-Origin`; not sent when empty.")
    allowed_sources: tuple[str, ...] = row(
        (),
        PATTERNS,
        "What sources may begin with, `*` for anything but a slash, in a host for a part of it; all when empty.",
    )
    max_src_resolution: float = row(50.0, MEGAPIXELS, "Megapixels a source may have; 0 for any.")
    max_src_file_size: int = row(0, COUNT, "Bytes a source may have; 0 for any.")
    download_memory: int = row(
        1024,
        COUNT,
        "Megabytes of memory that downloads may take together: what comes above that gets 429. A source may have a "
        "quarter of it where `IMGPROXY_MAX_SRC_FILE_SIZE` is 0, else 422. 0 for any number of both.",
        prefix=OURS,
    )
    max_animation_frames: int = row(1, kinds.integer(1), "Frames of an animation that are read; 1 makes it a picture.")
    max_animation_frame_resolution: float = row(
        0.0, MEGAPIXELS, "Megapixels a frame may have; 0 has all frames together obey `MAX_SRC_RESOLUTION`."
    )
    max_result_dimension: int = row(0, COUNT, "Pixels a side of the result may have; 0 for any.")
    max_redirects: int = row(10, COUNT, "Redirects of a source that are followed.")
    allow_loopback_source_addresses: bool = off("Whether sources may be on this machine.")
    allow_link_local_source_addresses: bool = off("Whether sources may be on link-local addresses.")
    allow_private_source_addresses: bool = on("Whether sources may be on private addresses.")
    allow_security_options: bool = off("Whether URLs may say other limits for their source and result.")
    ignore_ssl_verification: bool = off("Whether certificates of sources are believed unseen.")
    sanitize_svg: bool = on("Whether scripts are cut out of SVG that is sent as it is.")
    png_unlimited: bool = off("Whether PNG may have chunks of any size and number.")
    svg_unlimited: bool = off("Whether SVG may be of any size and depth.")
    tiff_unlimited: bool = off("Whether TIFF may take any amount of memory.")
    development_errors_mode: bool = off("Whether errors are told to clients as to the log; never for the public.")
    sandbox: str = row(
        "on",
        kinds.word(*MODES),
        "What workers are kept in: every layer that the kernel has (`on`), all of them or no start (`require`), "
        "or none (`off`).",
        prefix=OURS,
    )
    cookie_passthrough: bool = off("Whether the client's cookies are sent on to sources.")
    cookie_base_url: str = row("", kinds.ADDRESS, "The address whose cookies they are; that of the request when empty.")
    cookie_passthrough_all: bool = off("Whether all cookies are sent on to all sources.")
