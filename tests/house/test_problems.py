"""The catalogue of problems is whole: unique codes, both languages, documented."""

import importlib
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest

import madang
from madang.cli.openapi import problem_table
from madang.kit.problems import OAuthError, Problem, Text, catalogue

DOCUMENT = Path(__file__).parents[2] / "docs" / "problems.md"
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@pytest.fixture(scope="module")
def problems() -> list[type[Problem]]:
    for module in pkgutil.walk_packages(madang.__path__, "madang."):
        if not module.name.startswith(("madang.__main__", "madang.migrations.")):
            importlib.import_module(module.name)
    return list(catalogue())


def test_codes_are_unique_and_well_formed(problems: list[type[Problem]]) -> None:
    counted = Counter(problem.code for problem in problems)
    assert [code for code, times in counted.items() if times > 1] == []
    assert [code for code in counted if not CODE.fullmatch(code)] == []


def test_every_problem_speaks_both_languages(problems: list[type[Problem]]) -> None:
    for problem in problems:
        for text in (problem.title, problem.detail):
            assert isinstance(text, Text), problem
            assert text.en.strip(), problem
            assert text.ko.strip(), problem
            assert set(re.findall(r"{(\w+)}", text.en)) == set(re.findall(r"{(\w+)}", text.ko)), problem


def test_token_errors_come_from_the_registered_set(problems: list[type[Problem]]) -> None:
    registered = {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"}
    registered |= {"unsupported_grant_type", "invalid_scope"}
    registered |= {"mfa_required"}  # our one addition, which the contract of the API names
    assert {problem.error for problem in problems if issubclass(problem, OAuthError)} <= registered


def test_the_document_lists_every_problem(problems: list[type[Problem]]) -> None:
    assert DOCUMENT.read_text() == problem_table(), "run: make openapi"
