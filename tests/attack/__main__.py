"""Every case in a process of its own, then kills at random moments of every verb; a table of both.

python -m tests.attack [WORDS]      only the cases whose name holds the words
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline import text_table
from pipeline.executor.processes import default_workers
from tests.attack import harness
from tests.attack.cases import every_case

WIDTH = 100  # characters shown of a line


def attack(words: str) -> bool:
    """Run the cases whose name holds the words and print the table; whether each ended as expected."""
    cases = {name: case for name, case in every_case().items() if words in name}
    with tempfile.TemporaryDirectory() as folder:
        made = harness.Lakes(Path(folder) / "lakes")
        Path(folder, "lakes").mkdir()

        def outcome(numbered: tuple[int, str]) -> harness.Outcome:
            number, name = numbered
            return harness.run(cases[name], made, Path(folder, f"case-{number:03d}"), process=True)

        # what runs in this process changes its working folder, so it runs alone and first, and makes the lakes
        order = sorted(enumerate(cases), key=lambda numbered: cases[numbered[1]].call is None)
        alone = [numbered for numbered in order if cases[numbered[1]].call is not None]
        for kind in sorted({case.lake for case in cases.values()} - {"none"}):
            made.shared(kind)
        outcomes = {name: outcome((number, name)) for number, name in alone}
        with ThreadPoolExecutor(default_workers()) as threads:
            rest = order[len(alone) :]
            outcomes |= dict(zip((name for _, name in rest), threads.map(outcome, rest), strict=True))
    rows = [["case", "exit", "seconds", "line", "verdict"]]
    for name in cases:
        end = outcomes[name]
        line = end.line if len(end.line) <= WIDTH else end.line[: WIDTH - 3] + "..."
        rows.append([name, str(end.exit), f"{end.seconds:.1f}", line, "; ".join(end.faults) or "ok"])
    print("\n".join(text_table.aligned(rows, [False, True, True, False, False])))
    verdicts = Counter("ok" if not outcomes[name].faults else "not as expected" for name in cases)
    print(", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))
    return not verdicts["not as expected"]


if __name__ == "__main__":
    expected = attack(" ".join(sys.argv[1:]))
    if not sys.argv[1:]:  # in a process that has no threads
        expected &= subprocess.run([sys.executable, "-m", "tests.attack.kills"], check=False).returncode == 0
    sys.exit(not expected)
