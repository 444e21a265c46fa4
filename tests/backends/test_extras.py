"""A vendor's package that is not installed is named by the extra that brings it."""

import subprocess
import sys

import pytest

CASES = [
    ("redis", "cache", "open_cache", "redis://localhost", "madang[redis]"),
    ("aio_pika", "broker", "open_broker", "amqp://localhost/", "madang[rabbitmq]"),
]


@pytest.mark.parametrize(("package", "port", "function", "url", "extra"), CASES)
def test_a_missing_package_says_which_extra_to_install(
    package: str, port: str, function: str, url: str, extra: str
) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"from madang.backends.{port} import {function}\n"
        f"from madang.settings import BadSettings\n"
        f"try: {function}({url!r})\n"
        "except BadSettings as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert extra in done.stdout
