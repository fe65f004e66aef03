"""The charts: Vega-Lite specifications that a page draws in the browser, and the same as SVG, PNG and PDF files.

`templates/charts/NAME.vl.json` are plain Vega-Lite; the data set `points` and the titles of axes are put in when a
chart is drawn. vl-convert-python brings the JavaScript for the page and draws the files without a browser.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UserError
from pipeline.lake.files import atomic_write, read_file

if TYPE_CHECKING:  # processes that draw files import this module alone
    from pipeline.report.queries import Row

_SPECIFICATIONS = Path(__file__).with_name("templates") / "charts"
_FILE_WIDTH = 560
_EXPOSED = "window.vegaEmbed = vegaEmbed;"  # what the bundle gives to the page's script
_BUNDLING = "import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle(sys.argv[1]).encode())"
_CLIP = re.compile(r'(?:(?<= id=")|(?<="url\(#))clip\d+')
_CATEGORIES = ("#0072b2", "#e69f00", "#d55e00", "#56b4e9", "#009e73", "#cc79a7", "#7f7f7f", "#882255")
"""Colours of lines that stand for names: those of Okabe and Ito, which colour-blind readers tell apart, without their
black and yellow, of which each is lost on one of the page's backgrounds."""


def specifications() -> dict[str, Row]:
    """The Vega-Lite specification of each chart."""
    paths = sorted(_SPECIFICATIONS.glob("*.vl.json"))
    config = {"range": {"category": list(_CATEGORIES)}}
    return {
        path.name.removesuffix(".vl.json"): {"config": config, **json.loads(path.read_text(encoding="utf-8"))}
        for path in paths
    }


def filled(name: str, points: list[Row], titles: dict[str, str] | None = None) -> Row:
    """A specification with its points and titles, of a fixed width, as files need it.

    Args:
        titles: of the axes `x` and `y`, and of the whole (`title`).
    """
    spec = specifications()[name]
    spec["datasets"] = {"points": points}
    if spec.get("width") == "container":
        spec["width"] = _FILE_WIDTH
    titles = dict(titles or {})
    if title := titles.pop("title", None):
        spec["title"] = title
    for layer in (spec, *spec.get("layer", ())):
        for axis, text in titles.items():
            channel = layer.get("encoding", {}).get(axis, {})
            if "axis" in channel:
                channel["axis"]["title"] = text
    return spec


def drawn(spec: Row) -> dict[str, bytes]:
    """A specification as SVG, PNG and PDF: the bytes of each file, by its extension."""
    import vl_convert

    svg = _renumbered(vl_convert.vegalite_to_svg(json.dumps(spec)))  # evaluated once; the others are converted from it
    return {"svg": svg.encode(), "png": vl_convert.svg_to_png(svg, scale=2), "pdf": vl_convert.svg_to_pdf(svg)}


def _renumbered(svg: str) -> str:
    """The SVG with its clipping paths numbered from 0: Vega continues to count from one drawing to the next."""
    numbers: dict[str, int] = {}
    return _CLIP.sub(lambda clip: f"clip{numbers.setdefault(clip[0], len(numbers))}", svg)


def library(folder: Path | None) -> bytes:
    """The JavaScript of Vega, Vega-Lite and Vega-Embed, gzipped.

    Args:
        folder: keeps it, as bundling takes some seconds.
    """
    import vl_convert

    if folder is None:
        return _bundle()
    file = folder / f"vega-{vl_convert.get_vega_version()}-{vl_convert.get_vegalite_versions()[-1]}.js.gz"
    with suppress(OSError, UserError, EOFError, gzip.BadGzipFile, zlib.error):
        stored = read_file(file)
        gzip.decompress(stored)  # its checksum
        return stored
    bundle = _bundle()
    with suppress(OSError), atomic_write(file) as temporary:
        temporary.write_bytes(bundle)
    return bundle


@functools.cache  # a process may write the reports of several lakes
def _bundle() -> bytes:
    """In a process of its own: the library takes seconds in which no other thread of this one hears a signal."""
    command = [sys.executable, "-P", "-c", _BUNDLING, _EXPOSED]
    try:
        script = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    except (OSError, subprocess.SubprocessError):  # no process can be started
        import vl_convert

        script = vl_convert.javascript_bundle(_EXPOSED).encode()
    return gzip.compress(script, 9, mtime=0)
