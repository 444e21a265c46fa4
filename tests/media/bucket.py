"""A look into the bucket behind the product's back."""

import asyncio
from dataclasses import dataclass

from tests.peers.s3_server import S3Server, new_bucket, storage_url


@dataclass(frozen=True)
class Bucket:
    server: S3Server
    name: str

    @classmethod
    def new(cls, server: S3Server) -> "Bucket":
        return cls(server, new_bucket(server))

    @property
    def url(self) -> str:
        return storage_url(self.server, self.name, prefix="team")

    def objects(self) -> list[str]:
        return [one["Key"] for one in self.server.client.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def uploads(self) -> list[str]:
        return [one["Key"] for one in self.server.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])]

    async def until_empty(self) -> None:
        """Handlers remove what is no longer wanted a moment later."""
        async with asyncio.timeout(60):
            while await asyncio.to_thread(self.objects) or await asyncio.to_thread(self.uploads):
                continue
