"""The report in a browser: sorting by mouse and keyboard, and a page that fits a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from pipeline.report import page as report
from tests.fixtures import lakes

Show = Callable[..., webdriver.Chrome]
"""(width, dark) -> a browser that shows the page in a window of that width."""

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
    folder = tmp_path_factory.mktemp("report")
    return report.write(lakes.made_up(folder / "lake").root, folder / "out").index


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
    def show(width: int, dark: bool = False) -> webdriver.Chrome:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        browser.get(index.as_uri())
        return browser

    return show


def column(browser: webdriver.Chrome, title: str, table: str = "ranking") -> tuple[WebElement, list[str]]:
    """The header of a column and the values shown in it, from top to bottom."""
    headers = browser.find_elements(By.CSS_SELECTOR, f"table.{table} thead th")
    place = next(i for i, h in enumerate(headers) if h.text.replace("\u00a0", " ").strip("↕↑↓ \n") == title)
    rows = browser.find_elements(By.CSS_SELECTOR, f"table.{table} tbody tr")
    return headers[place], [row.find_elements(By.CSS_SELECTOR, "th, td")[place].text for row in rows]


def test_a_click_on_a_header_sorts_and_another_turns_the_order(page: Show) -> None:
    browser = page(1280)
    header, before = column(browser, "rho")
    assert header.get_attribute("aria-sort") == "none"
    assert before == sorted(before, key=float, reverse=True)
    header.find_element(By.TAG_NAME, "button").click()
    header, falling = column(browser, "rho")
    assert (header.get_attribute("aria-sort"), falling) == ("descending", before)
    header.find_element(By.TAG_NAME, "button").click()
    header, rising = column(browser, "rho")
    assert (header.get_attribute("aria-sort"), rising) == ("ascending", before[::-1])


def test_numbers_sort_as_numbers_and_dashes_stay_last(page: Show) -> None:
    browser = page(1280)
    for expected in (["2.41", "2.00", "–", "–"], ["2.00", "2.41", "–", "–"]):
        column(browser, "s/arch")[0].find_element(By.TAG_NAME, "button").click()
        assert column(browser, "s/arch")[1] == expected
    marked = browser.find_elements(By.CSS_SELECTOR, "table.ranking th[aria-sort]")
    assert [h.get_attribute("aria-sort") for h in marked].count("none") == len(marked) - 1


def test_a_header_is_reached_and_pressed_by_keyboard(page: Show) -> None:
    browser = page(1280)
    for _ in range(30):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if (at := browser.switch_to.active_element).tag_name == "button" and at.text.startswith("proxy"):
            break
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    header, names = column(browser, "proxy")
    assert header.get_attribute("aria-sort") == "ascending"
    assert [name.split()[0] for name in names] == ["params@big", "regression-toy", "regression-toy", "synflow@small"]


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


def test_the_first_screen_holds_the_answer(page: Show) -> None:
    browser = page(1280)
    for title in ("rho", "95 % interval", "n", "failed", "s/arch", "tau", "rho top 10 %"):
        header, _ = column(browser, title)
        place = header.rect
        assert place["y"] < 900 and place["x"] + place["width"] <= 1280


def test_nothing_is_logged_as_an_error(page: Show) -> None:
    assert [entry for entry in page(1280).get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_fault(page: Show, dark: bool) -> None:
    axe_selenium = pytest.importorskip("axe_selenium_python", reason="axe-selenium-python is not installed")
    browser = page(1280, dark)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    axe = axe_selenium.Axe(browser)
    axe.inject()
    violations = [v for v in axe.run()["violations"] if v["impact"] in ("serious", "critical")]
    assert violations == [], axe.report(violations)
