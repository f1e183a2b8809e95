"""Which object stores may be asked, and how: the settings of `s3://`, `gs://` and `abs://`, under their own names.

Source: https://docs.imgproxy.net/image_sources/amazon_s3
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec

from foveola.errors import ConfigError

USES: Mapping[str, str] = {"s3": "use_s3", "gs": "use_gcs", "abs": "use_abs"}
"""The schemes of object stores, and the field that says whether each is used."""


@dataclass(frozen=True)
class Stores:
    """The settings of object stores: fields are variables, in lower case and without `IMGPROXY_`.

    Lists of buckets are patterns, `*` for anything but a slash; an empty list of allowed ones allows all.
    """

    use_s3: bool = False
    s3_region: str = ""
    s3_endpoint: str = ""
    s3_endpoint_use_path_style: bool = True
    s3_assume_role_arn: str = ""
    s3_assume_role_external_id: str = ""
    s3_allowed_buckets: tuple[str, ...] = ()
    s3_denied_buckets: tuple[str, ...] = ()
    use_gcs: bool = False
    gcs_key: str = field(default="", repr=False)
    gcs_endpoint: str = ""
    gcs_allowed_buckets: tuple[str, ...] = ()
    gcs_denied_buckets: tuple[str, ...] = ()
    use_abs: bool = False
    abs_name: str = ""
    abs_key: str = field(default="", repr=False)
    abs_endpoint: str = ""
    abs_allowed_buckets: tuple[str, ...] = ()
    abs_denied_buckets: tuple[str, ...] = ()

    def uses(self, scheme: str) -> bool:
        """Return whether URLs of a scheme are served; those that are no object stores always are."""
        return scheme not in USES or bool(getattr(self, USES[scheme]))

    @property
    def any(self) -> bool:
        """Whether one is used."""
        return any(map(self.uses, USES))


def check_extra(stores: Stores) -> None:
    """Refuse object stores that can't be asked because their client is not installed.

    Raises:
        ConfigError: it is not.
    """
    named = [f"IMGPROXY_{field.upper()}" for scheme, field in USES.items() if stores.uses(scheme)]
    if named and find_spec("obstore") is None:
        raise ConfigError(
            f"Expected the extra [cloud] (pip install 'foveola[cloud]') for {named[0]}, got true without it"
        )
