"""Identifiers that several processes make alike."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from madang.kit.ids import derived_id

TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - hypothesis wants bare ones


@given(TIMES, st.text())
def test_a_derived_id_is_a_uuid_of_version_7_that_grows_with_time(at: datetime, text: str) -> None:
    made = derived_id(at, text)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made == derived_id(at, text)
    assert made != derived_id(at, text + "x")
    assert made < derived_id(at + timedelta(milliseconds=2), text)
