"""The clients of object stores, from the settings: which server is asked for a bucket, and with what credentials.

What the settings leave open, obstore reads from each cloud's own variables, or asks the machine it runs on.
Source: https://developmentseed.org/obstore/latest/authentication
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from obstore import exceptions
from obstore.store import AzureStore, GCSStore, S3Store

import foveola
from foveola.errors import ConfigError, expected
from foveola.sources.base import Reach
from foveola.sources.stores import USES, Stores

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PREFIXES: Mapping[str, str] = {"s3": "s3", "gs": "gcs", "abs": "abs"}
"""What the settings of each scheme begin with."""
_RETRIES = 2
_GOOGLE = ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH")
_GOOGLE_KEYS = ("GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_BEARER_TOKEN")


def _s3(reach: Reach, bucket: str) -> ObjectStore:
    stores = reach.stores
    config: dict[str, Any] = {"region": stores.s3_region} if stores.s3_region else {}
    endpoint = _endpoint(stores.s3_endpoint)
    if endpoint:
        scheme, _, host = endpoint.partition("://")
        inside = not stores.s3_endpoint_use_path_style
        config["endpoint"] = f"{scheme}://{bucket}.{host}" if inside else endpoint
        config["virtual_hosted_style_request"] = inside
    provider = _role(stores) if stores.s3_assume_role_arn else None
    return S3Store(bucket, config=_any(config), credential_provider=provider, **_common(reach, endpoint))


def _role(stores: Stores) -> Any:
    """Return what takes a role with the credentials at hand; the client asks again before they expire."""
    session = import_module("boto3").Session(region_name=stores.s3_region or None)
    asked = {"RoleArn": stores.s3_assume_role_arn, "RoleSessionName": "foveola"}
    if stores.s3_assume_role_external_id:
        asked["ExternalId"] = stores.s3_assume_role_external_id

    def take() -> dict[str, Any]:
        taken = session.client("sts").assume_role(**asked)["Credentials"]
        return {
            "access_key_id": taken["AccessKeyId"],
            "secret_access_key": taken["SecretAccessKey"],
            "token": taken["SessionToken"],
            "expires_at": taken["Expiration"].astimezone(UTC),
        }

    async def taken() -> dict[str, Any]:
        return await asyncio.to_thread(take)

    return taken


def _gs(reach: Reach, bucket: str) -> ObjectStore:
    stores = reach.stores
    config: dict[str, Any] = {}
    if stores.gcs_key:
        config["service_account_key" if stores.gcs_key.lstrip().startswith("{") else "service_account"] = stores.gcs_key
    endpoint = _endpoint(stores.gcs_endpoint)
    if endpoint:  # what imgproxy takes is the address of another interface of the same server
        config["base_url"] = endpoint.removesuffix("/storage/v1")
        config["skip_signature"] = not (stores.gcs_key or any(map(os.environ.get, (*_GOOGLE, *_GOOGLE_KEYS))))
    return GCSStore(bucket, config=_any(config), **_common(reach, endpoint))


def _abs(reach: Reach, container: str) -> ObjectStore:
    stores = reach.stores
    endpoint = _endpoint(stores.abs_endpoint)
    given = {"account_name": stores.abs_name, "account_key": stores.abs_key, "endpoint": endpoint}
    config = {name: value for name, value in given.items() if value}
    return AzureStore(container, config=_any(config), **_common(reach, endpoint))


OPEN: Mapping[str, Callable[[Reach, str], ObjectStore]] = {"s3": _s3, "gs": _gs, "abs": _abs}
"""What makes the client of a bucket, by scheme."""


def check(reach: Reach) -> None:
    """Refuse settings that no bucket could be asked with.

    Raises:
        ConfigError: there are some, each in a line of the message.
    """
    used = [scheme for scheme in OPEN if reach.stores.uses(scheme)]
    if problems := [found for scheme in used if (found := _problem(reach, scheme))]:
        raise ConfigError("\n".join(problems))


def _problem(reach: Reach, scheme: str) -> str:
    """Return what is wrong with the settings of a scheme, nothing if all is well."""
    address, role = f"{PREFIXES[scheme]}_endpoint", reach.stores.s3_assume_role_arn
    endpoint = getattr(reach.stores, address)
    if endpoint and not _is_address(_endpoint(endpoint)):
        return expected("an address like https://host:9000", f"IMGPROXY_{address.upper()}", endpoint)
    if scheme == "s3" and role and find_spec("boto3") is None:
        return expected("the package boto3", "IMGPROXY_S3_ASSUME_ROLE_ARN", role)
    try:
        OPEN[scheme](reach, "foveola")
    except (exceptions.BaseError, OSError, ValueError) as error:
        return f"IMGPROXY_{USES[scheme].upper()}: {str(error).partition(chr(10))[0]}"
    return ""


def _is_address(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _endpoint(text: str) -> str:
    """Return an address with a scheme; without one it is not encrypted, as imgproxy has it."""
    return (text if not text or "://" in text else f"http://{text}").rstrip("/")


def _common(reach: Reach, endpoint: str) -> dict[str, Any]:
    """Return how any server is asked; that nothing takes too long is seen to by who asks."""
    client = {
        "connect_timeout": timedelta(seconds=reach.timeout),
        "pool_idle_timeout": timedelta(seconds=reach.keep_alive),
        "timeout": timedelta(days=1),
        "user_agent": reach.user_agent or f"foveola/{foveola.__version__}",
        "allow_invalid_certificates": not reach.verify,
    }
    if endpoint.startswith("http://"):
        client["allow_http"] = True
    if (
        not reach.proxy
    ):  # the client looks into the environment unless it has a proxy: it gets one that nobody is asked by
        client |= {"proxy_url": "http://127.0.0.1:1", "proxy_excludes": "*,0.0.0.0/0,::/0"}
    retry = {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=reach.timeout)}
    return {"client_options": client, "retry_config": retry}


def _any(config: Mapping[str, Any]) -> Any:
    """Return a configuration for the client, which declares its keys one by one."""
    return config
