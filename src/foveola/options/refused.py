"""The options of imgproxy that foveola does without, so that a URL with one is refused by name, never half obeyed.

Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refused:
    """One option that is out.

    Args:
        words: its names, the long one first.
        why: half a sentence for the documentation.
    """

    words: tuple[str, ...]
    why: str


_VIDEO = "videos are not read"
_OBJECTS = "objects are not detected"
_EFFECT = "there is no such effect"
_CACHE = "answers are not kept"

REFUSED: tuple[Refused, ...] = (
    Refused(("video_thumbnail_second", "vts"), _VIDEO),
    Refused(("video_thumbnail_keyframes", "vtk"), _VIDEO),
    Refused(("video_thumbnail_tile", "vtt"), _VIDEO),
    Refused(("video_thumbnail_animation", "vta"), _VIDEO),
    Refused(("objects_position", "obj_pos", "op"), _OBJECTS),
    Refused(("crop_objects", "c_obj"), _OBJECTS),
    Refused(("blur_detections", "bd"), _OBJECTS),
    Refused(("draw_detections", "dd"), _OBJECTS),
    Refused(("blur_areas", "ba"), _EFFECT),
    Refused(("progressive_blur", "pbl"), _EFFECT),
    Refused(("colorize", "col"), _EFFECT),
    Refused(("gradient", "gr"), _EFFECT),
    Refused(("watermark_text", "wmt"), "text is not drawn"),
    Refused(("watermark_shadow", "wmsh"), _EFFECT),
    Refused(("style", "st", "stl"), "SVG is not changed"),
    Refused(("color_profile", "cp", "icc"), "results are in sRGB or in the profile of the source"),
    Refused(("bypass_cache", "bc"), _CACHE),
    Refused(("cache_tags", "ct"), _CACHE),
    Refused(("gif_options", "gifo"), "imgproxy 4 removed it"),
)
"""Beside these, the gravities `obj` and `objw` are refused, and the formats of `words.REFUSED_FORMATS`."""
