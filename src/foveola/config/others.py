"""Variables of imgproxy that have no effect here, those that stop the start, and the names that some had before.

Whoever moves from imgproxy brings its whole environment. A variable that only tunes what foveola does not have is
accepted, with a warning that says why it has no effect. One that restricts or changes what is served, and that can't
be kept, stops the start: better no server than one that serves something else.
Source: https://docs.imgproxy.net/configuration/options
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from foveola.config.rows import PREFIX
from foveola.kinds import TEXT
from foveola.settings import BOOLEANS
from foveola.variables import Setting, Status

RENAMED: Mapping[str, str] = {
    PREFIX + old: PREFIX + new
    for old, new in {
        "CONCURRENCY": "WORKERS",
        "READ_TIMEOUT": "READ_REQUEST_TIMEOUT",
        "WRITE_TIMEOUT": "TIMEOUT",
        "UNSHARPENING_MODE": "UNSHARP_MASKING_MODE",
        "UNSHARPENING_WEIGHT": "UNSHARP_MASKING_WEIGHT",
        "UNSHARPENING_DIVIDER": "UNSHARP_MASKING_DIVIDER",
        "UNSHARPENING_DIVIDOR": "UNSHARP_MASKING_DIVIDER",
        "ENABLE_WEBP_DETECTION": "AUTO_WEBP",
        "ENABLE_AVIF_DETECTION": "AUTO_AVIF",
        "MAX_GIF_FRAMES": "MAX_ANIMATION_FRAMES",
        "MAX_ML_CONCURRENCY": "ML_NUM_STREAMS",
    }.items()
}
"""What replaced the names that imgproxy 4 no longer knows, and one that never left its documentation."""

_GO = "it tunes Go's memory, and foveola is not written in Go"
_ALLOCATOR = "the libraries' memory is tuned by the image of the container"
_WATCHED = "metrics are told to Prometheus only, by `IMGPROXY_PROMETHEUS_BIND`"
_ERRORS = "errors are written to the log only"
_SYSLOG = "the log is written to stdout, and who runs the server passes it on"
_NO_CACHE = "results are not cached by the server: a CDN or a proxy before it does that"
_KEPT = "images that URLs name are fetched each time"
_LICENCE = "no licence is needed"
_NO_VIDEO = "videos are not read"
_NO_SWIFT = "OpenStack's Swift is no source"
_NO_DETECTION = "no objects are detected"
_NO_CLASSES = "pictures are not classified"
_SMART = "`gravity:sm` finds what draws attention by libvips' own way"
_BEST = "the format `best` is not served"
_NO_PDF = "PDF is not read"

ACCEPTED: Mapping[str, str] = {
    "FREE_MEMORY_INTERVAL=10 DOWNLOAD_BUFFER_SIZE=0 BUFFER_POOL_CALIBRATION_THRESHOLD=1024 LOG_MEM_STATS=false": _GO,
    "PPROF_BIND": "it is for Go's profiler",
    "MALLOC": _ALLOCATOR,
    "VIPS_LEAK_CHECK=false VIPS_CACHE_TRACE=false": "it is for finding errors in imgproxy",
    "MAX_SVG_CHECK_BYTES": "it is gone from imgproxy 4 too: SVG is known by its first element",
    "GZIP_COMPRESSION": "it is gone from imgproxy 3 too: pictures are compressed already",
    "S3_MULTI_REGION=false": "it is gone from imgproxy 4 too",
    "GIF_OPTIMIZE_FRAMES=false GIF_OPTIMIZE_TRANSPARENCY=false": "it is gone from imgproxy 3 too",
    "CACHE_USE CACHE_PATH_PREFIX CACHE_BUCKET CACHE_KEY_HEADERS CACHE_KEY_COOKIES CACHE_REPORT_ERRORS=false "
    "CACHE_TAGS_FORMAT CACHE_FS_ROOT CACHE_S3_REGION CACHE_S3_ENDPOINT CACHE_S3_ENDPOINT_USE_PATH_STYLE=true "
    "CACHE_S3_USE_DECRYPTION_CLIENT=false CACHE_S3_ASSUME_ROLE_ARN CACHE_S3_ASSUME_ROLE_EXTERNAL_ID "
    "CACHE_GCS_KEY CACHE_GCS_ENDPOINT CACHE_ABS_NAME CACHE_ABS_KEY CACHE_ABS_ENDPOINT CACHE_SWIFT_USERNAME "
    "CACHE_SWIFT_API_KEY CACHE_SWIFT_AUTH_URL CACHE_SWIFT_AUTH_VERSION=0 CACHE_SWIFT_TENANT CACHE_SWIFT_DOMAIN "
    "CACHE_SWIFT_TIMEOUT_SECONDS=60 CACHE_SWIFT_CONNECT_TIMEOUT_SECONDS=10 ALLOW_BYPASS_CACHE=false": _NO_CACHE,
    "WATERMARKS_CACHE_SIZE=256 FALLBACK_IMAGES_CACHE_SIZE=256": _KEPT,
    "SMART_CROP_ADVANCED=false SMART_CROP_ADVANCED_MODE=max_score_area SMART_CROP_FACE_DETECTION=false": _SMART,
    "OBJECT_DETECTION_NET_TYPE=yolox OBJECT_DETECTION_CLASSES OBJECT_DETECTION_NET_SIZE=416 "
    "OBJECT_DETECTION_CONFIDENCE_THRESHOLD=0.2 OBJECT_DETECTION_NMS_THRESHOLD=0.4 OBJECT_DETECTION_SWAP_RB=false "
    "OBJECT_DETECTION_FALLBACK_TO_SMART_CROP=true OBJECT_DETECTION_GRAVITY_MODE=max_score_area": _NO_DETECTION,
    "CLASSIFICATION_CLASSES CLASSIFICATION_NET_SIZE=224 CLASSIFICATION_THRESHOLD=0.5 "
    "CLASSIFICATION_NORMALIZATION=none CLASSIFICATION_LAYOUT=nhwc": _NO_CLASSES,
    "VIDEO_THUMBNAIL_SECOND=1 VIDEO_THUMBNAIL_KEYFRAMES=false VIDEO_THUMBNAIL_TILE_AUTO_KEYFRAMES=false "
    "VIDEO_THUMBNAIL_PROBE_SIZE=5000000 VIDEO_THUMBNAIL_MAX_ANALYZE_DURATION=0": _NO_VIDEO,
    "BEST_FORMAT_COMPLEXITY_THRESHOLD=5.5 BEST_FORMAT_MAX_RESOLUTION=0 BEST_FORMAT_ALLOW_SKIPS=false": _BEST,
    "PDF_NO_BACKGROUND=false": _NO_PDF,
    "COLOR_PROFILES_DIR=/usr/share/color/icc": "the option `color_profile` is not served",
    "SWIFT_USERNAME SWIFT_API_KEY SWIFT_AUTH_URL SWIFT_AUTH_VERSION=0 SWIFT_TENANT SWIFT_DOMAIN "
    "SWIFT_TIMEOUT_SECONDS=60 SWIFT_CONNECT_TIMEOUT_SECONDS=10 SWIFT_ALLOWED_BUCKETS SWIFT_DENIED_BUCKETS": _NO_SWIFT,
    "NEW_RELIC_KEY NEW_RELIC_APP_NAME NEW_RELIC_LABELS NEW_RELIC_PROPAGATE_EXTERNAL=false DATADOG_ENABLE=false "
    "DATADOG_ENABLE_ADDITIONAL_METRICS=false DATADOG_PROPAGATE_EXTERNAL=false OPEN_TELEMETRY_ENABLE=false "
    "OPEN_TELEMETRY_ENABLE_METRICS=false OPEN_TELEMETRY_ENABLE_LOGS=false OPEN_TELEMETRY_SERVER_CERT "
    "OPEN_TELEMETRY_CLIENT_CERT OPEN_TELEMETRY_CLIENT_KEY OPEN_TELEMETRY_TRACE_ID_GENERATOR=xray "
    "OPEN_TELEMETRY_PROPAGATE_EXTERNAL=false OPEN_TELEMETRY_LOGGER_NAME OPEN_TELEMETRY_ENDPOINT "
    "OPEN_TELEMETRY_PROTOCOL OPEN_TELEMETRY_GRPC_INSECURE OPEN_TELEMETRY_SERVICE_NAME OPEN_TELEMETRY_PROPAGATORS "
    "OPEN_TELEMETRY_CONNECTION_TIMEOUT CLOUD_WATCH_SERVICE_NAME CLOUD_WATCH_NAMESPACE=imgproxy "
    "CLOUD_WATCH_REGION": _WATCHED,
    "REPORT_DOWNLOADING_ERRORS=true REPORT_IO_ERRORS=false BUGSNAG_KEY BUGSNAG_STAGE=production HONEYBADGER_KEY "
    "HONEYBADGER_ENV=production SENTRY_DSN SENTRY_ENVIRONMENT=production SENTRY_RELEASE AIRBRAKE_PROJECT_ID "
    "AIRBRAKE_PROJECT_KEY AIRBRAKE_ENVIRONMENT=production": _ERRORS,
    "SYSLOG_ENABLE=false SYSLOG_LEVEL=info SYSLOG_NETWORK SYSLOG_ADDRESS SYSLOG_TAG=imgproxy": _SYSLOG,
    "LICENSE_KEY LICENSE_DEVELOPMENT_MODE=false": _LICENCE,
}
"""Why variables have no effect, by their names, each with its default where it has one that needs no warning."""

_STORES = "settings are read from the environment and from `IMGPROXY_ENV_LOCAL_FILE_PATH` only"

REFUSED: Mapping[str, str] = {
    "USE_SWIFT=false": _NO_SWIFT,
    "S3_USE_DECRYPTION_CLIENT=false": "objects that the client encrypted are not decrypted",
    "S3_ACCESS_POINTS": "access points of S3 are not known by other names",
    "ENABLE_VIDEO_THUMBNAILS=false": _NO_VIDEO,
    "ENABLE_RAW_FORMATS=false": "raw files of cameras are not read",
    "OBJECT_DETECTION_NET": "no objects are detected, and URLs that ask for them are not served",
    "CLASSIFICATION_NET": "pictures are not classified, and URLs that ask for it are not served",
    "BEST_FORMAT_BY_DEFAULT=false": "the format `best` is not served, and results would have another one",
    "WATERMARK_PREPROCESS_URL=false": "`watermark_url` is fetched as it is, without `IMGPROXY_BASE_URL`",
    "FALLBACK_IMAGE_PREPROCESS_URL=false": "`fallback_image_url` is fetched as it is, without `IMGPROXY_BASE_URL`",
    "MAX_SRC_DIMENSION": "it is gone from imgproxy 3 too: say `IMGPROXY_MAX_SRC_RESOLUTION`",
    "ENV_AWS_SECRET_ID ENV_AWS_SECRET_VERSION_ID ENV_AWS_SECRET_VERSION_STAGE ENV_AWS_SECRET_REGION "
    "ENV_AWS_SSM_PARAMETERS_PATH ENV_AWS_SSM_PARAMETERS_REGION ENV_GCP_SECRET_ID ENV_GCP_SECRET_VERSION_ID "
    "ENV_GCP_SECRET_PROJECT_ID ENV_GCP_KEY": _STORES,
}
"""Why variables stop the start, by their names, each with the value that does not."""


def _rows(said: Mapping[str, str], status: Status) -> Iterator[Setting]:
    for names, reason in said.items():
        for word in names.split():
            name, _, default = word.partition("=")
            yield Setting(PREFIX + name, "", TEXT, default, f"{reason}.", secret=True, status=status)


OTHERS: tuple[Setting, ...] = (*_rows(ACCEPTED, "accepted"), *_rows(REFUSED, "refused"))


def is_default(row: Setting, text: str) -> bool:
    """Return whether a variable of these is set to what it is without being set."""
    words: Mapping[str, object] = BOOLEANS if row.default in BOOLEANS and row.default not in ("0", "1") else {}
    return words.get(text, text) == words.get(row.default, row.default)
