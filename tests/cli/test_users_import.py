"""`madang users import`: foreign hashes sign in once and are Argon2id afterwards."""

import asyncio
import base64
import hashlib
import json
from pathlib import Path

import bcrypt
import httpx2
import pytest
from argon2 import PasswordHasher as Argon2
from passlib.hash import md5_crypt
from sqlalchemy import text

from madang.db.session import Database
from madang.kit.foreign_hashes import UnusableHash, check_importable
from tests.cli.conftest import Installation
from tests.factories import PASSWORD

TOKEN = "/api/v1/accounts/token"
SALT = "salt_of_django"


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def foreign_hashes(password: str) -> dict[str, str]:
    raw = password.encode()
    pbkdf2 = hashlib.pbkdf2_hmac("sha256", raw, SALT.encode(), 1000)
    scrypt = hashlib.scrypt(raw, salt=SALT.encode(), n=1024, r=8, p=5, dklen=64)
    return {
        "from_bcrypt": bcrypt.hashpw(raw[:72], bcrypt.gensalt(4)).decode(),
        "from_php": bcrypt.hashpw(raw[:72], bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$"),
        "from_django": f"pbkdf2_sha256$1000${SALT}${encoded(pbkdf2)}",
        "from_scrypt": f"scrypt${SALT}$1024$8$5${encoded(scrypt)}",
        "from_unix": md5_crypt.hash(password),
        "from_argon2": Argon2(1, 1024, 1).hash(password),
    }


@pytest.mark.parametrize("password", [PASSWORD, "비밀번호 " * 20])
async def test_foreign_hashes_sign_in_and_become_argon2id(
    migrated: Installation, client: httpx2.AsyncClient, database: Database, tmp_path: Path, password: str
) -> None:
    hashes = foreign_hashes(password)
    lines = [json.dumps({"account_id": name, "password_hash": stored}) for name, stored in hashes.items()]
    (tmp_path / "people.jsonl").write_text("\n".join(lines))
    done = await asyncio.to_thread(migrated.run, "users", "import", "people.jsonl")
    assert (done.returncode, done.stdout) == (0, "Imported 6, refused 0.\n"), done.stderr
    for name in hashes:
        for tried, status in ((password + "x", 400), (password, 200), (password, 200)):
            if not (name in {"from_bcrypt", "from_php"} and len(password.encode()) > 72 and status == 400):
                answer = await client.post(TOKEN, data={"username": name, "password": tried})
                assert answer.status_code == status, (name, tried)
        assert (await client.post(TOKEN, data={"username": name, "password": password + "x"})).status_code == 400
    async with database.read_unit() as session:
        stored = (await session.scalars(text("SELECT password_hash FROM accounts"))).all()
    assert all(one.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for one in stored)


async def test_lines_that_cannot_be_imported_are_named_and_the_rest_goes_in(
    migrated: Installation, database: Database, tmp_path: Path
) -> None:
    good = foreign_hashes(PASSWORD)["from_django"]
    lines = [
        json.dumps({"account_id": "good_one", "password_hash": good, "email": "a@example.com", "email_verified": True}),
        "{not json",
        json.dumps({"account_id": "md5_one", "password_hash": "5f4dcc3b5aa765d61d8327deb882cf99"}),
        json.dumps({"account_id": "good_one", "password_hash": good}),
        json.dumps({"account_id": "admin_one", "password_hash": good, "role": "Admin"}),
        json.dumps(["no", "object"]),
    ]
    (tmp_path / "people.jsonl").write_text("\n".join(lines))
    done = migrated.run("users", "import", "people.jsonl")
    assert done.returncode == 1
    assert done.stdout == "Imported 1, refused 5.\n"
    assert [line.split(":")[1] for line in done.stderr.splitlines()] == ["2", "3", "4", "5", "6"]
    assert "Traceback" not in done.stderr
    async with database.read_unit() as session:
        rows = (await session.execute(text("SELECT account_id, email, role FROM accounts"))).all()
    assert [tuple(row) for row in rows] == [("good_one", "a@example.com", "Member")]


async def test_csv_with_a_header_is_read_too(migrated: Installation, database: Database, tmp_path: Path) -> None:
    stored = foreign_hashes(PASSWORD)["from_argon2"]
    (tmp_path / "people.csv").write_text(
        f'account_id,password_hash,name,email\nkim,"{stored}","Kim, Jisoo",\n', encoding="utf-8-sig"
    )
    done = migrated.run("users", "import", "people.csv")
    assert (done.returncode, done.stdout) == (0, "Imported 1, refused 0.\n"), done.stderr
    async with database.read_unit() as session:
        assert (await session.execute(text("SELECT name, email FROM accounts"))).one() == ("Kim, Jisoo", None)


@pytest.mark.parametrize(
    "stored",
    [
        "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$v=19$m=19456,t=9999,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$nonsense",
        "$2b$31$" + "a" * 53,
        "$1$much_too_long_a_salt$" + "a" * 22,
        "$1$salt$short",
        "pbkdf2_sha256$4000000000$salt$aGFzaA==",
        "pbkdf2_sha256$0$salt$aGFzaA==",
        "scrypt$salt$1073741824$8$1$aGFzaA==",
        "scrypt$salt$1000$8$1$aGFzaA==",
        "scrypt$salt$1024$8$9999$aGFzaA==",
        "plain text",
        "",
    ],
)
def test_absurd_costs_and_unknown_hashes_are_refused(stored: str) -> None:
    with pytest.raises(UnusableHash):
        check_importable(stored)
