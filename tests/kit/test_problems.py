"""The family tree of problems, and texts in two languages."""

from contextvars import copy_context
from typing import Any

import pytest

from madang.accounts.errors import AccountIdTaken
from madang.db.session import DatabaseUnavailable
from madang.kit import problems
from madang.kit.event import Event
from madang.kit.origin import Origin, current_origin, set_origin
from madang.kit.problems import Problem, Text, catalogue
from madang.kit.schemas import Body
from madang.kit.unit_guard import enter_unit, forbid_in_unit, leave_unit

FAMILIES = {
    problems.Invalid: {400, 422},
    problems.Unauthenticated: {401},
    problems.Forbidden: {403},
    problems.NotFound: {404},
    problems.Conflict: {409},
    problems.TooMany: {429},
    problems.Unavailable: {503},
    problems.OAuthError: {400, 401, 403},
}


def test_every_problem_keeps_its_familys_status() -> None:
    for problem in catalogue():
        assert 400 <= problem.status < 600, problem
        for family, statuses in FAMILIES.items():
            if issubclass(problem, family):
                assert problem.status in statuses, problem


def test_the_catalogue_is_in_order_and_holds_no_family() -> None:
    listed = list(catalogue())
    assert [one.code for one in listed] == sorted(one.code for one in listed)
    assert not set(listed) & {Problem, *FAMILIES}


def test_a_text_is_filled_in_both_languages() -> None:
    text = Text("{name} is taken", "{name}은(는) 사용 중입니다")
    assert text.render("en", {"name": "{braces}"}) == "{braces} is taken"
    assert text.render("ko", {"name": "민지"}) == "민지은(는) 사용 중입니다"
    assert text.render("fr", {"name": "x"}) == "x is taken"


def test_a_problem_says_what_happened() -> None:
    assert str(AccountIdTaken(account_id="minji")) == "minji is in use; choose another one."
    with pytest.raises(KeyError):
        AccountIdTaken()


@pytest.mark.parametrize(("seconds", "header"), [(0, "1"), (0.2, "1"), (2, "2"), (59.6, "60")])
def test_retry_after_is_whole_seconds_and_never_now(seconds: float, header: str) -> None:
    assert DatabaseUnavailable(retry_after=seconds, seconds=1).headers == {"Retry-After": header}


def test_origins_do_not_leak_out_of_their_context() -> None:
    copy_context().run(set_origin, Origin(request_id="inside"))
    assert current_origin().request_id is None


def test_the_guard_holds_until_the_unit_is_left() -> None:
    token = enter_unit()
    with pytest.raises(RuntimeError, match="hashing inside a unit of work"):
        forbid_in_unit("hashing")
    leave_unit(token)
    forbid_in_unit("hashing")


def test_nobody_changes_a_fact() -> None:
    class Happened(Event):
        name = "tests.happened.v1"
        number: int

    fact = Happened.model_validate({"number": 1, "from_a_later_release": True})
    with pytest.raises(ValueError, match="frozen"):
        fact.number = 2  # type: ignore[misc]  # that is the point


def test_a_nul_is_found_however_deep_it_lies() -> None:
    class Deep(Body):
        data: dict[str, list[dict[str, str]]]

    assert Deep(data={"a": [{"b": "c"}]})
    unfit: list[Any] = [{"a": [{"b": "\0"}]}, {"a": [{"\0": "c"}]}, {"\0": []}]
    for bad in unfit:
        with pytest.raises(ValueError, match="U\\+0000"):
            Deep(data=bad)
