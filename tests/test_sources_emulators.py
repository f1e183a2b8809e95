"""Other people's servers of S3, Google Cloud Storage and Azure Blob Storage, where they are installed: slow tests.

`minio` and `fake-gcs-server` are looked for on the path, `azurite-blob` too, which npm also brings.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

import pytest

from foveola.sources import Ask, Reach, Stores
from tests.origins import free_port, get, process, refused, run, stream

pytestmark = pytest.mark.slow
DATA = bytes(range(256)) * 40
KEYS = ("cat.jpg", "deep/er/cat.jpg", "a%20b.jpg", "a b#c.jpg", "ä ö.jpg", "100%.jpg", "a+b&c=d.jpg")
UNREACHABLE = (404, "Source is unreachable")
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account of all emulators of Azure."""


def _program(name: str, *otherwise: str) -> list[str]:
    if found := shutil.which(name):
        return [found]
    if otherwise and shutil.which(otherwise[0]):
        return list(otherwise)
    pytest.skip(f"{name} is not installed")


def _send(url: str, data: bytes, method: str, **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with urllib.request.urlopen(urllib.request.Request(url, data, named, method=method)):
        pass


def _holds(scheme: str, reach: Reach) -> None:
    """What every store has to do: keys as they are, conditions, parts, and no for what is not there."""
    for key in KEYS:
        assert run(get(f"{scheme}://pics/{key}", None, reach))[2] == DATA + key.encode()
    status, headers, _ = run(get(f"{scheme}://pics/cat.jpg", None, reach))
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    for name, said in (("if-none-match", "etag"), ("if-modified-since", "last-modified")):
        assert run(get(f"{scheme}://pics/cat.jpg", Ask(((name, headers[said]),)), reach))[::2] == (304, b""), name
    assert run(get(f"{scheme}://pics/cat.jpg", Ask((("if-none-match", '"x"'),)), reach))[0] == 200
    status, headers, data = run(stream(f"{scheme}://pics/cat.jpg", reach, range="bytes=1-3"))
    assert (status, data, headers["content-range"]) == (206, DATA[1:4], f"bytes 1-3/{len(DATA) + 7}")
    for url in ("pics/none.jpg", "none/cat.jpg", "pics/../pics/cat.jpg"):
        assert run(refused(f"{scheme}://{url}", None, reach)) == UNREACHABLE


def test_minio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It checks signatures: another secret is refused."""
    port, log = free_port(), tmp_path / "log"
    for name, value in (("AWS_ACCESS_KEY_ID", "minioadmin"), ("AWS_SECRET_ACCESS_KEY", "minioadmin")):
        monkeypatch.setenv(name, value)
    command = (*_program("minio"), "server", "--address", f"127.0.0.1:{port}", str(tmp_path / "data"))
    with process(*command, port=port, log=log) as url:
        client = import_module("boto3").client("s3", endpoint_url=url, region_name="us-east-1")
        client.create_bucket(Bucket="pics")
        client.put_bucket_versioning(Bucket="pics", VersioningConfiguration={"Status": "Enabled"})
        first = client.put_object(Bucket="pics", Key="cat.jpg", Body=b"first")["VersionId"]
        for key in KEYS:
            client.put_object(Bucket="pics", Key=key, Body=DATA + key.encode(), ContentType="image/jpeg")
        reach = Reach(stores=Stores(use_s3=True, s3_endpoint=url, s3_region="us-east-1"))

        _holds("s3", reach)
        assert run(get(f"s3://pics/cat.jpg?{first}", None, reach))[2] == b"first"
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        assert run(refused("s3://pics/cat.jpg", None, reach)) == (403, "Source is unreachable")


def test_fake_gcs_server(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    program = _program("fake-gcs-server")
    options = ("-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory")
    with process(*program, *options, "-public-host", f"127.0.0.1:{port}", port=port, log=log) as url:
        bucket = b'{"name": "pics", "versioning": {"enabled": true}}'
        _send(f"{url}/storage/v1/b?project=test", bucket, "POST", Content_Type="application/json")
        for key in KEYS:
            where = f"{url}/upload/storage/v1/b/pics/o?uploadType=media&name={quote(key, safe='')}"
            _send(where, DATA + key.encode(), "POST", Content_Type="image/jpeg")
        reach = Reach(stores=Stores(use_gcs=True, gcs_endpoint=f"{url}/storage/v1/"))

        _holds("gs", reach)


@pytest.fixture
def azurite(tmp_path: Path) -> Iterator[str]:
    port, log = free_port(), tmp_path / "log"
    program = _program("azurite-blob", "npm", "exec", "--yes", "--package=azurite@3", "--", "azurite-blob")
    options = ("--blobPort", str(port), "--location", str(tmp_path), "--silent", "--skipApiVersionCheck")
    with process(*program, *options, port=port, log=log, seconds=180) as url:
        yield f"{url}/{ACCOUNT}"


def _signed(url: str, path: str, data: bytes, query: str = "", **headers: str) -> None:
    """Store something, signed with the account's key as Azure has it."""
    own = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2023-11-03"}
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    named = "".join(f"{name}:{value}\n" for name, value in sorted(own.items()))
    mime = "application/octet-stream"
    resource = f"/{ACCOUNT}/{ACCOUNT}/{path}" + "".join(
        f"\n{pair.replace('=', ':')}" for pair in query.split("&") if pair
    )
    text = f"PUT\n\n\n{len(data) or ''}\n\n{mime}\n\n\n\n\n\n\n{named}{resource}"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
    own |= {"Authorization": f"SharedKey {ACCOUNT}:{signature}", "Content-Type": mime}
    _send(f"{url}/{path}{'?' if query else ''}{query}", data, "PUT", **own)


def test_azurite(azurite: str) -> None:
    """It checks signatures: another key is refused."""
    _signed(azurite, "pics", b"", "restype=container")
    for key in KEYS:
        blob = {"x_ms_blob_type": "BlockBlob", "x_ms_blob_content_type": "image/jpeg"}
        _signed(azurite, f"pics/{quote(key)}", DATA + key.encode(), **blob)
    stores = Stores(use_abs=True, abs_name=ACCOUNT, abs_key=KEY, abs_endpoint=azurite)

    _holds("abs", Reach(stores=stores))
    wrong = Reach(stores=replace(stores, abs_key="c2VjcmV0"))
    assert run(refused("abs://pics/cat.jpg", None, wrong)) == (403, "Source is unreachable")
