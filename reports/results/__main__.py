"""`python -m reports.results DATA [--lake DIR]`: compute the results and write them into the documents.

DATA is the folder with the published files, as for reports/measure.sh. Without DATA the documents are written anew from
results.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from reports.results import collect, lake, left_out, overview, picture, ranked, render
from reports.results.spaces import SPACES

RESULTS = Path(__file__).parent / "results.json"
TUNED = ("few_labels", "draws", "learned", "searches")
"""Tables of tuning and searches, which take most of the time."""


def compute(data: Path, root: Path, earlier: dict[str, Any]) -> dict[str, Any]:
    """All numbers, from a lake that is made at `root` of the published files below `data` and of data/scores.

    Args:
        data: the folder with the published files.
        root: the lake.
        earlier: results whose tuning and searches are kept where nothing has changed that they rest on.
    """
    with lake.chosen(root):
        lake.gather(data)
        with lake.connect(root) as connection:
            results = {
                "scores_sha256": collect.scores_sha256(),
                "scores": collect.count(),
                "sources": collect.sources(connection),
                "correlations": collect.correlations(connection),
                "top_tenth": collect.top_tenth(connection),
                "differences": collect.differences(connection),
                "rule": collect.rule(connection),
                "overview": overview.overview(connection),
                "left_out": left_out.left_out(connection),
                "published": collect.published(connection),
                "basis": collect.basis(connection),
                **ranked.tables(connection),
            }
        if earlier.get("basis") == results["basis"]:
            return {**results, **{name: earlier[name] for name in TUNED}}
        return {**results, **tuned(root)}


def tuned(root: Path) -> dict[str, Any]:
    """What tuning and searches come to in the lake at `root`: the tables of `TUNED`."""
    searches = [one for space in SPACES for one in lake.search(space)]
    judged = [one for space in SPACES for one in lake.evaluate(space)]
    learned = [one for space in SPACES for one in lake.learn(space)]
    with lake.connect(root) as connection:
        return {
            "few_labels": collect.few_labels(connection, judged),
            "draws": collect.draws(connection, judged),
            "learned": collect.learned(connection, learned),
            "searches": collect.searches(connection, searches),
        }


def written(results: dict[str, Any]) -> str:
    """The results as JSON with one line per row, so that a diff shows what has changed."""
    entries = []
    for key, value in sorted(results.items()):
        if isinstance(value, list):
            lines = ",\n".join(json.dumps(row, sort_keys=True) for row in value)
            entries.append(f"{json.dumps(key)}: [\n{lines}\n]")
        else:
            entries.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m reports.results", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="folder with the published files")
    parser.add_argument("--lake", type=Path, help="where to make the lake; a temporary folder by default")
    parser.add_argument("--anew", action="store_true", help="tune and search again where nothing has changed, too")
    arguments = parser.parse_args()
    if arguments.data:
        earlier = {} if arguments.anew else json.loads(RESULTS.read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as temporary:
            results = compute(arguments.data, arguments.lake or Path(temporary) / "lake", earlier)
        RESULTS.write_text(written(results), encoding="utf-8")
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    for path, text in render.documents(results).items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(render.ROOT))
    picture.PICTURE.write_bytes(picture.drawn(results))
    print(picture.PICTURE.relative_to(render.ROOT))


if __name__ == "__main__":
    main()
