"""A figure's SVG as an element of a page: in the page's colours, and in half the text."""

from __future__ import annotations

import re

from pipeline.report.figures.drawing import ACCENT, INK, LINE, MUTED

_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", ACCENT: "accent"}  # of the page's style, by colour


def inline(svg: str, prefix: str, described: str) -> str:
    """The SVG as an element of a page: scaling, in the page's colours, with ids of its own and a description.

    Args:
        svg: standalone SVG.
        prefix: put before every id, so that ids of two figures on a page differ.
        described: what it shows, for readers who do not see it; must be safe to place in an attribute.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    referred = set(re.findall(r'(?:url\(#|href="#)([^)"]*)', svg))
    svg = re.sub(r'\sid="([^"]*)"', lambda match: match[0] if match[1] in referred else "", svg)
    svg = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{prefix}-", svg)
    svg = _shortened(svg)
    for colour, name in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{described}" font-family="system-ui, sans-serif" ', 1)


def _shortened(svg: str) -> str:
    """The same picture in half the text; a page of one file holds a hundred of them."""
    svg = re.sub(r"font-family: 'DejaVu Sans'[^;\"]*; ", "", svg)
    svg = re.sub(r'\s+transform="rotate\(-0 [^"]*"', "", svg)
    svg = re.sub(r'\b(?:x|y|d)="[^"]*"', lambda match: re.sub(r"(\.\d\d)\d+", r"\1", match[0]), svg)
    same_style = r'(<g[^>]*)>((?:\s*<use [^>]*)(\sstyle="[^"]*")/>(?:\s*<use [^>]*\3/>)+)\s*</g>'
    svg = re.sub(same_style, lambda group: f"{group[1]}{group[3]}>{group[2].replace(group[3], '')}</g>", svg)
    return re.sub(r"\s*\n\s*", "\n", svg)
