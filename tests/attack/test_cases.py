"""The cases of `make attack` that take milliseconds, in this process."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.attack import harness
from tests.attack.cases import every_case

CASES = {name: case for name, case in every_case().items() if case.in_short_form}


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> harness.Lakes:
    return harness.Lakes(tmp_path_factory.mktemp("lakes"))


@pytest.mark.parametrize("name", CASES)
def test_an_odd_input_has_one_line_and_its_exit_code(name: str, lakes: harness.Lakes, tmp_path: Path) -> None:
    try:
        outcome = harness.run(CASES[name], lakes, tmp_path / "case", process=False)
    except OSError as error:
        if error.errno != errno.EILSEQ:
            raise
        pytest.skip("the file system takes names in UTF-8 only")  # that of macOS
    assert not outcome.faults, f"{outcome.error or outcome.output}"
