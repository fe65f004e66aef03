"""The report in a browser: sorting by mouse and keyboard, and a page that fits a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from pipeline.report import page as report
from tests.fixtures import lakes
from tests.fixtures.lakes import OURS

Show = Callable[..., webdriver.Chrome]
"""(width, dark) -> a browser that shows the page in a window of that width."""

TOYS, GAMES = "#madeup-toys", "#madeup-games"

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM.exists() and DRIVER.exists()), reason="no chromium and chromedriver in /usr/bin"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two spaces: one with two targets, curves, failures and a release, and one with two proxies and a cost."""
    folder = tmp_path_factory.mktemp("report")
    lake = lakes.made_up(folder / "lake")
    games = {"space": "games"}
    lakes.publish(
        lake.root, "games",
        metrics=[lakes.metric(metric="latency", priority=9, family="latency", higher_is_better=False)],
        truth=[lakes.truth(i, float(i), **games) for i in range(40)]
        + [lakes.truth(i, float(i % 11), metric="latency", **games) for i in range(40)],
        proxies=[lakes.proxy("9" * 16, "quick", kind="zero-cost", higher_is_better=True)],
        scores=[lakes.score(i, OURS, float(i % 5 - i), **games) for i in range(40)]
        + [lakes.score(i, "9" * 16, float(i % 9 + i), seconds=0.1, **games) for i in range(40)],
    )  # fmt: skip
    report.write(lake.root, folder / "past")
    return report.write(lake.root, folder / "out", history_folder=folder / "past").index


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    driver.set_script_timeout(180)  # axe takes long on a busy machine
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: webdriver.Chrome, index: Path) -> Show:
    def show(width: int, dark: bool = False, address: str = TOYS) -> webdriver.Chrome:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        browser.get("about:blank")  # or a change of the part after # alone would not load the page again
        browser.get(f"{index.as_uri()}{address}")
        return browser

    return show


def board(browser: webdriver.Chrome) -> WebElement:
    [shown] = [table for table in browser.find_elements(By.CSS_SELECTOR, "table.leaderboard") if table.is_displayed()]
    return shown


def column(browser: webdriver.Chrome, key: str) -> tuple[WebElement, list[str]]:
    """The header of a column of the leaderboard that is shown, and the values shown in it, from top to bottom."""
    cells = board(browser).find_elements(By.CSS_SELECTOR, f'tbody [data-col="{key}"]')
    header = board(browser).find_element(By.CSS_SELECTOR, f'th[data-col="{key}"]')
    return header, [cell.text.split("\n")[0] for cell in cells if cell.is_displayed()]


def press(browser: webdriver.Chrome, element: WebElement) -> None:
    browser.execute_script("arguments[0].click()", element)


def wait(browser: webdriver.Chrome, condition: Callable[[], object]) -> None:
    WebDriverWait(browser, 90, poll_frequency=0.05).until(lambda _: condition())


def drawn(browser: webdriver.Chrome, within: str) -> bool:
    return bool(browser.find_elements(By.CSS_SELECTOR, f"{within} .drawn svg"))


def test_a_click_on_a_header_sorts_and_another_turns_the_order(page: Show) -> None:
    browser = page(1280)
    header, before = column(browser, "rho")
    assert header.get_attribute("aria-sort") == "none"
    assert before == sorted(before, key=float, reverse=True)
    press(browser, header.find_element(By.TAG_NAME, "button"))
    header, falling = column(browser, "rho")
    assert (header.get_attribute("aria-sort"), falling) == ("descending", before)
    press(browser, header.find_element(By.TAG_NAME, "button"))
    header, rising = column(browser, "rho")
    assert (header.get_attribute("aria-sort"), rising) == ("ascending", before[::-1])
    assert "sort=rho" in browser.current_url


def test_numbers_sort_as_numbers_and_dashes_stay_last(page: Show) -> None:
    browser = page(1280)
    for expected in (["2.45", "2.00", "–", "–"], ["2.00", "2.45", "–", "–"]):
        press(browser, column(browser, "seconds")[0].find_element(By.TAG_NAME, "button"))
        assert column(browser, "seconds")[1] == expected
    marked = board(browser).find_elements(By.CSS_SELECTOR, "th[aria-sort]")
    assert [h.get_attribute("aria-sort") for h in marked].count("none") == len(marked) - 1


def test_a_header_is_reached_and_pressed_by_keyboard(page: Show) -> None:
    browser = page(1280)
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if (at := browser.switch_to.active_element).tag_name == "button" and at.text.startswith("proxy"):
            break
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    header, names = column(browser, "proxy")
    assert header.get_attribute("aria-sort") == "ascending"
    assert [name.split()[0] for name in names] == ["params@big", "regression-toy", "regression-toy", "synflow@small"]


def test_a_tab_shows_one_space_and_a_target_one_leaderboard(page: Show) -> None:
    browser = page(1280)
    titles = [h.text for h in browser.find_elements(By.CSS_SELECTOR, "section.space > h2") if h.is_displayed()]
    assert titles == ["madeup toys"]
    browser.find_element(By.CSS_SELECTOR, f'.tabs a[href="{GAMES}"]').click()
    wait(browser, lambda: column(browser, "proxy")[1] == ["regression-toy", "quick"])
    browser.get(browser.current_url.partition("#")[0] + "#madeup-toys.digits-test-loss")
    wait(browser, lambda: "test_loss" in browser.find_element(By.CSS_SELECTOR, ".targets a[aria-current]").text)


def test_a_filter_leaves_matching_rows_and_is_in_the_address(page: Show) -> None:
    browser = page(1280)
    browser.execute_script(
        "const box = [...document.querySelectorAll('.find')].find(b => b.checkVisibility());"
        "box.value = 'toy'; box.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    assert column(browser, "proxy")[1] == ["regression-toy", "regression-toy seed 1"]
    assert "find=toy" in browser.current_url
    kinds = [s for s in browser.find_elements(By.CSS_SELECTOR, "select[data-filter=seed]") if s.is_displayed()]
    Select(kinds[0]).select_by_value("1")
    assert column(browser, "rho")[1] and len(column(browser, "rho")[1]) == 1
    again = page(1280, address="#" + browser.current_url.partition("#")[2])
    assert len(column(again, "rho")[1]) == 1


@pytest.mark.parametrize("text", ["a&sort=rho", "1%", "100%25", "a+b=c #ä"])
def test_whatever_is_filtered_by_is_there_again_at_its_address(page: Show, text: str) -> None:
    box = "[...document.querySelectorAll('.find')].find(b => b.checkVisibility())"
    browser = page(1280)
    typed = "box.value = arguments[0]; box.dispatchEvent(new Event('input', {bubbles: true}))"
    browser.execute_script(f"const box = {box}; {typed}", text)
    again = page(1280, address="#" + browser.current_url.partition("#")[2])
    assert again.execute_script(f"return {box}.value") == text


def test_an_address_that_is_none_shows_the_first_space(page: Show) -> None:
    assert board(page(1280, address="#%")).is_displayed()


def test_columns_can_be_chosen(page: Show) -> None:
    browser = page(1280)
    assert column(browser, "tau")[1] == []
    [label] = browser.execute_script(
        "return [...document.querySelectorAll('.space:not([hidden]) .target:not([hidden]) .columns label')]"
        ".filter(l => l.textContent.trim() === 'tau')"
    )
    press(browser, label.find_element(By.TAG_NAME, "input"))
    assert len(column(browser, "tau")[1]) == 4


def test_a_row_opens_the_details_of_its_proxy_at_an_address_of_their_own(page: Show) -> None:
    browser = page(1280)
    for button in board(browser).find_elements(By.CSS_SELECTOR, "tbody th button"):
        if button.text == "regression-toy":
            press(browser, button)
            break
    wait(browser, lambda: len(browser.find_elements(By.CSS_SELECTOR, "#drawer .drawn svg")) >= 4)
    text = browser.find_element(By.ID, "drawer").text
    for words in ("Score against digits test_accuracy", "Failures by reason", "no path to the output", "stage_weights"):
        assert words in text
    assert f"proxy={OURS}.0" in browser.current_url
    press(browser, browser.find_element(By.ID, "raw-axes"))
    wait(browser, lambda: "score as stored" in browser.find_element(By.ID, "drawer").text)
    again = page(1280, address="#" + browser.current_url.partition("#")[2])
    wait(again, lambda: "regression-toy" in again.find_element(By.ID, "drawer-title").text)
    press(again, again.find_element(By.ID, "drawer-close"))
    wait(again, lambda: "proxy=" not in again.current_url)


def test_two_proxies_are_compared_with_their_paired_difference(page: Show) -> None:
    browser = page(1280, address=f"#space=madeup-games&a={OURS}.0&b={'9' * 16}.0")
    wait(browser, lambda: drawn(browser, "#madeup-games .compare figure"))
    result = browser.find_element(By.CSS_SELECTOR, "#madeup-games .compare .result").text
    assert result.startswith("On the shared architectures the rho of regression-toy minus that of quick is ")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#madeup-games .compare tbody tr")) == 8


def test_cost_and_history_are_drawn_when_they_come_into_view(page: Show) -> None:
    browser = page(1280, address=GAMES)
    wait(browser, lambda: drawn(browser, "#madeup-games [data-chart=cost]"))
    browser.execute_script("document.querySelector('#history').scrollIntoView()")
    wait(browser, lambda: drawn(browser, "#history [data-chart=history]"))


def test_what_a_limit_on_a_cost_allows_is_reached_from_the_contents_and_drawn(page: Show) -> None:
    browser = page(1280, address=GAMES)
    [link] = [a for a in browser.find_elements(By.CSS_SELECTOR, ".contents a") if a.text == "Cost limits"]
    press(browser, link)
    wait(browser, lambda: drawn(browser, f"{GAMES} [data-chart=limits]"))
    assert "front of the space" in browser.find_element(By.CSS_SELECTOR, f"{GAMES} [data-chart=limits]").text
    assert len(browser.find_elements(By.CSS_SELECTOR, f"{GAMES} table.limits tbody tr")) == 3


def test_intervals_of_the_proxies_by_target_are_shown_when_asked_for(page: Show) -> None:
    browser = page(1280, address=GAMES)
    seen = "return getComputedStyle(document.querySelector(arguments[0]), '::after').content"
    cell = f"{GAMES} [data-part=targets] .heat:not(.truths) td[title]"
    assert browser.execute_script(seen, cell) == "none"
    press(browser, browser.find_element(By.CSS_SELECTOR, f"{GAMES} [data-intervals]"))
    assert browser.execute_script(seen, cell).startswith('"[')


def test_without_javascript_every_table_can_be_read(page: Show) -> None:
    browser = page(1280)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.refresh()
        tables = [t for t in browser.find_elements(By.CSS_SELECTOR, "table.leaderboard") if t.is_displayed()]
        assert len(tables) == 3
        names = {name.text for table in tables for name in table.find_elements(By.CSS_SELECTOR, "tbody th button")}
        assert {"regression-toy", "quick"} <= names
        assert not [e for e in browser.find_elements(By.CSS_SELECTOR, ".js-only") if e.is_displayed()]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_the_page_is_as_wide_as_the_window(page: Show, width: int) -> None:
    browser = page(width)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    wide = browser.execute_script(
        "return [...document.querySelectorAll('main *, footer *')].filter(e => !e.closest('.wide, svg') && "
        "e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + e.className)"
    )
    assert wide == []


@pytest.mark.parametrize("width", [390, 1280])
def test_verdict_head_and_cost_stand_on_the_first_two_screens(page: Show, width: int) -> None:
    browser = page(width, address=GAMES)
    space = browser.find_element(By.ID, GAMES[1:])
    places = [
        space.find_element(By.CSS_SELECTOR, selector).rect["y"]
        for selector in (".verdict", "table.leaderboard thead", "[data-chart=cost]")
    ]
    assert places[0] < places[1] <= places[2] + 400 and max(places) < 2 * 900
    if width < 600:
        assert places == sorted(places)


def test_nothing_is_logged_as_an_error(page: Show) -> None:
    assert [entry for entry in page(1280).get_log("browser") if entry["level"] == "SEVERE"] == []


def test_print_shows_every_row_of_the_columns_that_the_reader_has_chosen(page: Show) -> None:
    browser = page(794)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        table = browser.find_element(By.CSS_SELECTOR, f"{TOYS} .leaderboard")
        headers = {h.get_attribute("data-col"): h.is_displayed() for h in table.find_elements(By.TAG_NAME, "th")}
        assert headers["rho"] and headers["interval"] and not headers["ndcg"]
        assert all(row.is_displayed() for row in table.find_elements(By.CSS_SELECTOR, "tbody tr"))
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 794
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen"})


CONTRASTS = """
const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
const paper = parts(getComputedStyle(document.body).backgroundColor);
const light = (colour) => {
  const [opaque, alpha] = [parts(colour).slice(0, 3), parts(colour)[3] ?? 1];
  const [r, g, b] = opaque.map((v, i) => (v * alpha + paper[i] * (1 - alpha)) / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
return [...document.querySelectorAll(".heat td.filled")].map((cell) => {
  const style = getComputedStyle(cell);
  const [low, high] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
});
"""
"""The contrast of each coloured cell of a table, by WCAG's formula."""


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_on_a_colour_can_be_read(page: Show, dark: bool) -> None:
    browser = page(1280, dark)
    template = (Path(report.__file__).parent / "templates" / "tables.html.j2").read_text()
    [most] = map(int, re.findall(r"--share:\{\{ \(\[value, 0\]\|max \* (\d+)\)", template))  # that of rho 1
    cells = "".join(
        f"<td class='{kind}' style='--share:{share}'>1</td>"
        for kind in ("filled", "filled below") for share in (0, most // 2, most)
    )  # fmt: skip
    table = f"<table class='heat'><tbody><tr>{cells}</tr></tbody></table>"
    browser.execute_script("document.querySelector('main').insertAdjacentHTML('beforeend', arguments[0])", table)
    contrasts = browser.execute_script(CONTRASTS)
    assert len(contrasts) >= 6 and min(contrasts) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_fault(page: Show, dark: bool) -> None:
    axe_selenium = pytest.importorskip("axe_selenium_python", reason="axe-selenium-python is not installed")
    browser = page(1280, dark)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    axe = axe_selenium.Axe(browser)
    axe.inject()
    violations = [v for v in axe.run()["violations"] if v["impact"] in ("serious", "critical")]
    assert violations == [], axe.report(violations)
