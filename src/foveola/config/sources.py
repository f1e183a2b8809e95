"""The settings of where pictures come from.

Source: https://docs.imgproxy.net/configuration/options#image-sources
"""

from __future__ import annotations

from dataclasses import dataclass

from foveola.config.rows import OURS, PATTERNS, off, on, row, text
from foveola.kinds import BOOLEAN

_ALLOWED = "Names of the {} that may be used, `*` for anything; all when empty."
_DENIED = "Names of the {} that may not be used, `*` for anything."


@dataclass(frozen=True)
class Sources:
    """Sources."""

    local_filesystem_root: str = text("The folder that `local://` is; none when empty.")
    use_proxies: bool = row(
        False,
        BOOLEAN,
        "Whether servers are asked through the proxies of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; what a proxy "
        "dials is not judged.",
        prefix=OURS,
    )
    use_s3: bool = off("Whether `s3://` is Amazon's S3 or what speaks like it.")
    s3_region: str = text("Its region; that of the AWS settings when empty.")
    s3_endpoint: str = text("Its address; Amazon's when empty.")
    s3_endpoint_use_path_style: bool = on("Whether that address is followed by the bucket, not preceded.")
    s3_assume_role_arn: str = text("The role to take.")
    s3_assume_role_external_id: str = text("The external ID to take it with.")
    s3_allowed_buckets: tuple[str, ...] = row((), PATTERNS, _ALLOWED.format("buckets of S3"))
    s3_denied_buckets: tuple[str, ...] = row((), PATTERNS, _DENIED.format("buckets of S3"))
    use_gcs: bool = off("Whether `gs://` is Google Cloud Storage.")
    gcs_key: str = text("Its key, the JSON of a service account.", secret=True)
    gcs_endpoint: str = text("Its address; Google's when empty.")
    gcs_allowed_buckets: tuple[str, ...] = row((), PATTERNS, _ALLOWED.format("buckets of Google Cloud Storage"))
    gcs_denied_buckets: tuple[str, ...] = row((), PATTERNS, _DENIED.format("buckets of Google Cloud Storage"))
    use_abs: bool = off("Whether `abs://` is Azure Blob Storage.")
    abs_name: str = text("The name of its account.")
    abs_key: str = text("The key of its account.", secret=True)
    abs_endpoint: str = text("Its address; Azure's when empty.")
    abs_allowed_buckets: tuple[str, ...] = row((), PATTERNS, _ALLOWED.format("containers of Azure Blob Storage"))
    abs_denied_buckets: tuple[str, ...] = row((), PATTERNS, _DENIED.format("containers of Azure Blob Storage"))
