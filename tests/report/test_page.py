"""The report: what it says, that it is whole, and that the same lake gives the same."""

from __future__ import annotations

import csv
import hashlib
import html.parser
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from pipeline import catalog, text_table
from pipeline.catalog import definition
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.report import page as report
from pipeline.report.tables import CSV_COLUMNS, terminal_tables
from pipeline.report.text import score_command
from tests.fixtures import lakes
from tests.fixtures.lakes import OURS, RELEASED, SIZE


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lakes.made_up(tmp_path_factory.mktemp("lake") / "lake")


@pytest.fixture(scope="module")
def written(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> report.ReportResult:
    out = tmp_path_factory.mktemp("reports") / "latest"
    return report.write(lake.root, out)


@pytest.fixture(scope="module")
def content(written: report.ReportResult) -> Any:
    return json.loads((written.index.parent / "report.json").read_text())


@pytest.fixture(scope="module")
def page(written: report.ReportResult) -> str:
    return written.index.read_text()


class Page(html.parser.HTMLParser):
    """Collects what a page refers to, its ids, and whether its elements are closed in order."""

    VOID = ("meta", "link", "br", "img", "input", "hr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str | None] = []
        self.links: list[str | None] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.open += [tag] if tag not in self.VOID else []
        for name, value in attributes:
            self.ids += [value] if name == "id" else []
            self.links += [value] if name in ("src", "href", "xlink:href") else []

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def row(content: Any, proxy_id: str, seed: int | None) -> Any:
    [row_of_proxy] = [r for r in content["spaces"][0]["ranking"] if (r["proxy_id"], r["seed"]) == (proxy_id, seed)]
    return row_of_proxy


def test_the_numbers_are_those_of_scipy(lake: Lake, content: Any) -> None:
    pairs = catalog.run_sql(
        lake, "FROM pairs WHERE proxy_id = $id AND seed = 0 AND metric = 'test_accuracy' ORDER BY arch_id", {"id": OURS}
    )
    x, y = pairs["score"].to_numpy(), pairs["truth"].to_numpy()
    proxy = row(content, OURS, 0)
    assert proxy["rho"] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert proxy["tau"] == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
    assert (proxy["n"], proxy["n_failed"], proxy["n_no_truth"]) == (27, 3, 0)
    assert proxy["low"] < proxy["rho"] < proxy["high"]
    assert proxy["seconds"] == pytest.approx(np.median([2.0, 0.1, 0.1] + [1 + i / 10 for i in range(3, 30)]))
    assert proxy["label"] == "regression-toy"


def test_what_it_computed_answers_the_queries_that_follow(lake: Lake, written: report.ReportResult) -> None:
    stored = {path.stem.rpartition("-")[0] for path in (lake.root / "derived").rglob("*.parquet")}
    assert {"correlations", "correlations_shared", "correlations_top", "rho_by_iteration"} <= stored


def test_the_ranking_is_by_rho_and_marks_what_others_released(content: Any) -> None:
    ranking = content["spaces"][0]["ranking"]
    assert [r["rho"] for r in ranking] == sorted((r["rho"] for r in ranking), reverse=True)
    assert {r["proxy"]: r["released"] for r in ranking} == {
        "regression-toy": False, "params@big": True, "synflow@small": True,
    }  # fmt: skip


def test_the_main_target_leads_and_the_others_follow(content: Any) -> None:
    space = content["spaces"][0]
    assert [t["metric"] for t in space["targets"]] == ["test_accuracy", "test_loss"]
    assert (space["main"]["metric"], [t["metric"] for t in space["further_targets"]]) == (
        "test_accuracy",
        ["test_loss"],
    )
    assert [len(r["by_target"]) for r in space["others"]] == [1] * 4
    assert all(value["low"] <= value["rho"] <= value["high"] for r in space["others"] for value in r["by_target"])


def test_failures_are_told_by_reason(content: Any, page: str) -> None:
    failures = {(f["status"], f["reason"], f["scores"]) for f in content["spaces"][0]["failures"]}
    assert failures == {("unbuildable", "no path to the output", 2), ("diverged", "loss is not finite", 1)}
    assert "no path to the output" in page


def test_proxies_stand_on_the_same_architectures(content: Any, page: str) -> None:
    rows = content["spaces"][0]["comparison"]
    assert len(rows) == 4 and {(r["n"], r["n_tried"]) for r in rows} == {(27, 27)}
    assert [r["difference"] is None for r in rows] == [True, False, False, False]
    board = content["spaces"][0]["targets"][0]["leaderboard"]
    assert [(r["proxy_id"], r["seed"], r["rho"], r["n"]) for r in board] == [
        (r["proxy_id"], r["seed"], r["rho"], r["n"]) for r in rows
    ]
    assert "What a seed changes" in page and "seed against seed" in page


def test_two_spaces_are_put_beside_one_another(tmp_path: Path) -> None:
    spaces = [{"space": "toys"}, {"space": "games"}]
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(lakes.BIG, "big")], metrics=[lakes.metric()],
        proxies=[lakes.proxy(OURS, "ours"), lakes.proxy(RELEASED, "small@big"), lakes.proxy(SIZE, "generic")],
        truth=[lakes.truth(i, float(i), **space) for i in range(40) for space in spaces],
        scores=[lakes.score(i, OURS, float(i % 7 - i), **space) for i in range(40) for space in spaces]
        + [lakes.score(i, SIZE, float(i % 5 - i)) for i in range(40)]
        + [lakes.score(i, RELEASED, float(i), seed=None) for i in range(40)],
    )  # fmt: skip
    out = tmp_path / "out"
    page = report.write(lake.root, out).index.read_text()
    assert {"madeup-toys", "madeup-games"} <= set(Page(page).ids)
    assert "<dt>generic</dt>" in page  # what it was chosen by is said where it is ranked
    content = json.loads((out / "report.json").read_text())
    rhos = {space["name"]: space["targets"][0]["leaderboard"] for space in content["spaces"]}
    assert page.index("Over all spaces") < page.index('id="madeup-toys"')
    assert (out / "report.md").read_text().index("## Over all spaces") < (out / "report.md").read_text().index("toys:")
    [row] = content["overview"]["rows"]
    assert (row["spaces"], row["lowest"], row["mean"]) == (2, min(row["values"]), sum(row["values"]) / 2)
    assert row["name"] == "ours"
    assert row["values"] == [
        next(r["rho"] for r in rhos[name] if r["label"] == "ours") for name in content["overview"]["columns"]
    ]


def test_a_menu_has_a_heat_map_of_its_signals(tmp_path: Path) -> None:
    """The loss of the dots falls with the truth at stage 1 alone, that of the waves nowhere."""
    size = lakes.SIZE
    lake = lakes.made_up(tmp_path / "lake")
    curves = [
        lakes.curve(i, size, stage, "train", [-i * stage if signal == "dots" else i] * 20, seed=None, signal=signal)
        for i in range(3, 30) for stage in (0, 1) for signal in ("dots", "waves")
    ]  # fmt: skip
    lakes.publish(lake.root, "menu", curves=curves)
    out = tmp_path / "out"
    report.write(lake.root, out)
    [menu] = json.loads((out / "report.json").read_text())["spaces"][0]["menus"]
    assert (menu["name"], menu["mode"], [r["name"] for r in menu["rows"]]) == ("params@big", "train", ["dots", "waves"])
    assert menu["columns"][4:] == [f"stage 1, iteration {i}" for i in (2, 4, 10, 20)]
    # the report ranks no more of a menu than it shows, which is not the view and so not stored
    assert not list((lake.root / "derived").rglob("rho_by_iteration-*"))
    goal = {"benchmark": lakes.BENCHMARK, "space": lakes.SPACE, "dataset": lakes.DATASET, "metric": lakes.METRIC}
    dots, waves = catalog.run_sql(lake, catalog.queries("report")["menu"].read_text(), goal).to_pylist()
    assert dots["stages"] == [0, 0, 0, 0, 1, 1, 1, 1] and dots["iterations"] == [2, 4, 10, 20] * 2
    assert dots["rho"][:4] == [None] * 4 and dots["rho"][4:] == pytest.approx([-waves["rho"][0]] * 4)
    assert [row["values"] for row in menu["rows"]] == [pytest.approx(dots["rho"]), pytest.approx(waves["rho"])]


def test_the_method_says_what_an_interval_and_a_leader_do_not(page: str) -> None:
    method = " ".join(page[page.index('<section id="method">') : page.index('<section id="data">')].split())
    interval, leader = "not about the seed of the score", "chosen after looking"
    for said in (interval, leader, "not corrected", "no random part", "other machines"):
        assert said in method
    assert "<dt>generic</dt>" not in method and "<dt>Other choices</dt>" not in method
    assert "<dt>Proxies found with labels</dt>" in method


def test_provenance_is_at_the_foot(page: str, content: Any) -> None:
    foot = page[page.index("<footer>") :]
    assert (
        "ab" * 32 in foot and lakes.RUN in foot and content["version"] in foot and content["packages"]["duckdb"] in foot
    )


def test_the_page_is_one_file_and_well_formed(page: str) -> None:
    parsed = Page(page)
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert [link for link in parsed.links if not (link or "").startswith(("#", "data:"))] == []
    assert "@import" not in page and not re.search(r"url\((?!#)", page)
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', page)) <= set(parsed.ids)


def test_tables_have_names(page: str) -> None:
    assert len(re.findall("<table", page)) == len(re.findall('<table class="[a-z ]+" aria-label="[^"]+">', page)) > 5


def test_what_comes_from_a_lake_is_text_and_no_markup(tmp_path: Path) -> None:
    bad = '<script>alert("x")</script>'
    lake = lakes.made_up(tmp_path / "lake")
    lakes.publish(
        lake.root, "bad", sources=[lakes.source("e" * 16, bad)], proxies=[lakes.proxy("e" * 16, bad + "|@there")],
        scores=[lakes.score(i, "e" * 16, float(i)) for i in range(9)]
        + [lakes.score(9, "e" * 16, None, status="failed", reason=bad + "\n|")],
    )  # fmt: skip
    written = report.write(lake.root, tmp_path / "out")
    page = written.index.read_text()
    assert bad not in page
    assert page.count("<script>") == 2, "of the page itself"
    assert Page(page).open == []
    table = [line for line in (tmp_path / "out" / "report.md").read_text().splitlines() if "there" in line]
    assert table and all(len(re.findall(r"(?<!\\)\|", line)) in (11, 5, 6) for line in table)


def test_the_order_in_which_rows_are_read_changes_no_byte_of_a_cold_report(
    lake: Lake, written: report.ReportResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads come to the rows in any order."""
    shutil.copytree(lake.root, tmp_path / "lake", ignore=shutil.ignore_patterns("derived"))
    in_order = definition.select

    def shuffled(table: str, files: str) -> str:
        return f"SELECT * FROM ({in_order(table, files)}) AS t ORDER BY hash(t::VARCHAR)"

    monkeypatch.setattr("pipeline.catalog.stored_results.select", shuffled)
    again = report.write(tmp_path / "lake", tmp_path / "out").index.parent
    # the time of the report differs, and with it the checksums of the files
    differs = re.compile(rb"20\d\d-\d\d-\d\d(T\d\d:\d\d:\d\d\+00:00| \d\d:\d\d UTC)|sha256\W+[0-9a-f]{64}")
    for name in ("index.html", "report.md", "report.json", "correlations.csv", "manifest.json"):
        one, other = (differs.sub(b"", (folder / name).read_bytes()) for folder in (written.index.parent, again))
        assert one == other, name


def test_the_csv_is_sorted_rounded_and_the_same_again(lake: Lake, written: report.ReportResult, tmp_path: Path) -> None:
    first = (written.index.parent / "correlations.csv").read_bytes()
    report.write(lake.root, tmp_path / "again")
    assert (tmp_path / "again" / "correlations.csv").read_bytes() == first
    rows = list(csv.DictReader(first.decode().splitlines()))
    assert list(rows[0]) == CSV_COLUMNS
    assert len(rows) == 8
    assert [list(r.values()) for r in rows] == sorted(list(r.values()) for r in rows)
    assert all(re.fullmatch(r"-?\d\.\d{4}", r["rho"]) for r in rows)


def test_the_manifest_lists_what_was_written(written: report.ReportResult) -> None:
    out = written.index.parent
    manifest = json.loads((out / "manifest.json").read_text())
    assert sorted(manifest["files"]) == ["correlations.csv", "index.html", "report.json", "report.md"]
    for name, file in manifest["files"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == file["sha256"]


def test_an_unchanged_lake_is_not_computed_again(lake: Lake, written: report.ReportResult, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(catalog, "snapshot", lambda *_, **__: pytest.fail("computed again"))
    report.write(lake.root, tmp_path / "again")
    folders = (written.index.parent, tmp_path / "again")
    first, second = (json.loads((folder / "report.json").read_text()) for folder in folders)
    assert {**first, "made_at": ""} == {**second, "made_at": ""}


def test_a_new_score_is_computed_and_a_damaged_store_as_well(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    before = report.write(lake.root, tmp_path / "out").table
    [stored] = (lake.root / "derived").glob("*/report-*.json.gz")
    stored.write_bytes(stored.read_bytes()[:-40])
    assert report.write(lake.root, tmp_path / "out").table == before
    lakes.publish(lake.root, "more", scores=[lakes.score(29, OURS, -100.0, seed=2**53 + 1)])
    after = report.write(lake.root, tmp_path / "out")
    assert after.table != before and f" {2**53 + 1} " in after.table, "a seed has no comma and all its digits"
    assert f"| {2**53 + 1} |" in (after.index.parent / "report.md").read_text()


def test_the_table_for_a_terminal_is_aligned(written: report.ReportResult) -> None:
    lines = written.table.splitlines()
    assert lines[0] == "madeup toys: Spearman's rho with digits test_accuracy, 9 epochs"
    assert " ".join(lines[1].split()) == "proxy seed rho 95 % interval n failed s/arch tau rho top 10 %"
    assert len({len(line) for line in lines[1:]}) == 1
    assert len(lines) == 6


@pytest.mark.parametrize(("width", "spaces", "shown"), [(80, 2, 10), (80, 1, 13), (None, 2, 13)])
def test_a_terminal_shows_the_best_ten_of_each_of_several_spaces(
    width: int | None, spaces: int, shown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_table, "terminal_width", lambda: width)
    values = dict.fromkeys(("rho", "n", "n_failed", "seconds", "tau", "rho_top", "n_top", "low", "high"), 1)
    space = {
        "benchmark": "madeup", "space": "toys", "main": {"dataset": "digits", "metric": "accuracy", "epochs": 9},
        "ranking": [{"label": f"proxy{i:02}", "seed": 0, **values} for i in range(13)],
    }  # fmt: skip
    text = terminal_tables([space] * spaces, [])
    assert text.count("proxy") - spaces == shown * spaces and "proxy00" in text
    assert text.count("  and 3 more in report.md") == (spaces if shown == 10 else 0)


@pytest.mark.parametrize("tables", [{}, {"runs": [lakes.run()]}])
def test_an_empty_lake_gets_a_friendly_report(tmp_path: Path, tables: Any) -> None:
    lake = lakes.publish(tmp_path / "lake", **tables)
    written = report.write(lake.root, tmp_path / "out")
    assert "no ground truth yet" in written.table
    assert "No ground truth yet" in written.index.read_text()
    assert "No ground truth yet" in (tmp_path / "out" / "report.md").read_text()
    assert (tmp_path / "out" / "correlations.csv").read_text() == ",".join(CSV_COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("began", "shown"),
    [(0, "1970-01-01T00:00:00Z"), (253402300800 * 10**6, "10000-01-01T00:00:00Z"), (2**63 - 1, "infinity")],
)
def test_a_run_may_have_begun_in_any_year(tmp_path: Path, began: int, shown: str) -> None:
    lake = lakes.publish(tmp_path / "lake", runs=[lakes.run(started_at=began)])
    written = report.write(lake.root, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "report.json").read_text())["runs"][0]["started_at"] == shown
    assert f"<td>{shown}</td>" in written.index.read_text()


def test_a_lake_without_scores_says_what_to_run(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(lakes.BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, float(i)) for i in range(5)],
    )  # fmt: skip
    written = report.write(lake.root, tmp_path / "out")
    said = "its networks are not built here, ingest released ones"
    assert f"madeup toys: no scores yet, {said}" in written.table
    for name in ("index.html", "report.md"):
        assert f"No scores yet: {said}" in (tmp_path / "out" / name).read_text()
    space = {"benchmark": "nasbench201", "space": "topology"}
    assert score_command(space) == "pipeline score nasbench201 --space topology"


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0, 2.0, 2.0], [None, None]])
def test_where_nothing_can_be_ranked_there_are_dashes(tmp_path: Path, values: Any) -> None:
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(lakes.BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, float(i)) for i in range(5)],
        proxies=[lakes.proxy(OURS, "ours", {"stage_weights": [1.0]})],
        scores=[
            lakes.score(i, OURS, v, status="ok" if v else "failed", reason=None if v else "odd")
            for i, v in enumerate(values)
        ],
        curves=[lakes.curve(i, OURS, 0, "train", [v, v]) for i, v in enumerate(values) if v],
    )  # fmt: skip
    written = report.write(lake.root, tmp_path / "out")
    [line] = [line for line in written.table.splitlines() if "ours" in line]
    assert line.split()[2:4] == ["–", "–"]
    assert Page(written.index.read_text()).open == []


def test_no_lake_and_no_place_to_write_are_one_line(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no lake at"):
        report.write(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="writing the report"):
        report.write(lake.root, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_released_scores_stand_on_the_same_architectures_too(content: Any) -> None:
    assert row(content, RELEASED, None)["n"] == 30
    assert row(content, RELEASED, None)["n_shared"] == 27


def test_templates_ship_with_the_package() -> None:
    assert {p.name for p in (Path(report.__file__).parent / "templates").iterdir()} >= {
        "report.html.j2",
        "report.md.j2",
    }
