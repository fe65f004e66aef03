"""Whether a stored proxy's configuration is still the one that its name stands for.

Images are left out of the comparison: the same preset on other images is another proxy, and not an outdated one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline import provenance
from pipeline.errors import UserError
from pipeline.formats import text_files, toml_files
from pipeline.lake import locations, stored_json
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates, regression, zerocost
from pipeline.proxies.aggregates import generic
from pipeline.proxies.regression import presets
from pipeline.proxies.zerocost import own
from pipeline.tuning import rules

Row = Mapping[str, Any]


def outdated(lake: Lake, proxies: Iterable[Row]) -> dict[str, str]:
    """proxy_id -> what has changed, of the proxies of a lake whose name stands for another configuration today.

    A name under which today's configuration is stored, too, is left out.

    Args:
        lake: the lake, which knows where the files of a user's own proxies lay.
    """
    by_name: dict[str, dict[str, str | None]] = {}
    for row in proxies:
        if row["kind"] != "released":
            by_name.setdefault(row["name"], {})[row["proxy_id"]] = _change(lake, row)
    return {
        proxy_id: change
        for changes in by_name.values()
        if None not in changes.values()
        for proxy_id, change in changes.items()
        if change is not None
    }


def _change(lake: Lake, row: Row) -> str | None:
    """What has changed of one proxy; None where nothing has, or its name stands for nothing here."""
    name, stored = row["name"], stored_json.parsed(row["configuration"])
    file = _file(lake, row)
    try:
        if row["kind"] == "aggregate":
            today, then = _aggregate(name, file, stored)
            version = aggregates.VERSION
        elif row["kind"] == "trained":
            if file is None and name not in presets.names():
                return None
            preset = presets.load(file or name)
            today, then = preset.configuration(), {k: v for k, v in stored.items() if k != "images"}
            version = regression.VERSION
        else:
            today, then = _untrained(name, file, stored)
            version = own.VERSION if "code" in stored else zerocost.version_of(name)
    except UserError as error:
        return f"{file or name} cannot be read any more: {error}"
    if row["version"] != version:
        return f"version {row['version']} of its code computed it, today's is {version}"
    if provenance.canonical_json(today) == provenance.canonical_json(then):
        return None
    fields = sorted(key for key in {*today, *then} if today.get(key) != then.get(key))
    return f"{', '.join(fields)} of {file or 'its preset'} changed since it was scored"


def _file(lake: Lake, row: Row) -> str | None:
    """The file that the proxy is of, TOML or Python, where it still lies there: a rule of the lake, or a user's own."""
    rule = lake.root / rules.FOLDER / f"{row['name']}.toml"
    if rule.is_file():
        return str(rule)
    location = locations.read(lake.root, row["proxy_id"])
    if location is None or not (toml_files.is_named(location.path) or own.is_named(location.path)):
        return None
    return location.path if Path(location.path).is_file() else None


def _aggregate(name: str, file: str | None, stored: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Today's terms and those stored; of `generic` without the images that it is pinned to."""
    if name == aggregates.GENERIC:
        inputs = next((one for one in ("images", "sequences") if _same_proxies(one, stored)), "images")
        return _unpinned(generic.form(inputs).configuration), _unpinned(stored)
    if file is None and name not in aggregates.names():
        return stored, stored
    return aggregates.load(file or name).configuration, stored


def _same_proxies(inputs: str, stored: dict[str, Any]) -> bool:
    return [term.proxy for term in generic.form(inputs).terms] == [term.get("proxy") for term in _terms(stored)]


def _unpinned(configuration: dict[str, Any]) -> dict[str, Any]:
    return {"terms": [{k: v for k, v in term.items() if k != "proxy_id"} for term in _terms(configuration)]}


def _terms(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    """The terms of an aggregate, as far as they are any in a lake that others wrote."""
    terms = configuration.get("terms")
    return [term for term in terms if isinstance(term, dict)] if isinstance(terms, list) else []


def _untrained(name: str, file: str | None, stored: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a zero-cost proxy depends on today and then, without its images and their labels."""
    if "code" in stored:
        code = own.code_identity(text_files.read(Path(file), "proxy")) if file else stored["code"]
        return {**stored, "code": code}, stored
    uses = zerocost.USES_OF_SEQUENCES if "sequences" in stored else {**zerocost.USES, **zerocost.USES_APART}
    if name not in uses:
        return stored, stored
    today = {part: stored.get(part) for part in uses[name]}
    return today | ({"classes": zerocost.CLASSES} if "classes" in today else {}), stored
