"""The storage port: the files people upload."""

from pathlib import Path
from urllib.parse import urlsplit

from madang.backends.storage.base import Storage
from madang.kit.secrets import Keyring
from madang.settings import BadSettings


def open_storage(url: str, keyring: Keyring, public_url: str) -> Storage:
    """`file:folder` keeps the files in a folder and signs links with a key of its own; `s3://bucket` lets S3 do so."""
    match urlsplit(url).scheme:
        case "file":
            from madang.backends.storage.links import Links
            from madang.backends.storage.local import LocalStorage

            folder = Path(url.removeprefix("file:").removeprefix("//"))
            return LocalStorage(folder, Links(keyring.keys("storage links"), public_url))
        case "s3":
            return _open_s3(url)
        case scheme:
            raise BadSettings(f"MADANG_STORAGE_URL: no adapter for {scheme!r}; use file:folder or s3://bucket")


def _open_s3(url: str) -> Storage:
    try:
        from madang.backends.storage.s3 import S3Storage
    except ModuleNotFoundError as error:
        if error.name not in {"boto3", "botocore"}:
            raise
        raise BadSettings("MADANG_STORAGE_URL: s3:// needs the extra; run: pip install 'madang[s3]'") from None
    return S3Storage(url)
