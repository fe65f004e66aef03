"""The registry of proxies: what `--proxy` takes. Their packages are imported on first use."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import UserError
from pipeline.proxies.contract import Bundle, alone


def names() -> list[str]:
    """The proxies, bundles and aggregates that are shipped."""
    from pipeline.proxies import aggregates, regression, zerocost

    return [aggregates.GENERIC, *zerocost.names(), *regression.names(), *aggregates.names()]


def load(name: str, images: Path | str | None = None, inputs: str = "images") -> Bundle:
    """The bundle of that name, or the proxy of that name as a bundle of one.

    Args:
        name: a name, or the path of a TOML file with a configuration of the regression proxy, or the path of a Python
            file with a zero-cost proxy.
        images: a path for `images.load`, the name of a synthetic batch, or None for the default synthetic batch.
        inputs: what the networks to score take, images or sequences: some names mean something for both.

    Raises:
        UserError: an unknown name, a bad file, images that cannot be read, or an aggregate, which is not scored.
    """
    from pipeline.formats import toml_files
    from pipeline.proxies import aggregates, regression, zerocost
    from pipeline.proxies.zerocost import own

    if aggregates.recognised(name):
        raise UserError(f"{name} is an aggregate of stored scores: it is defined in a lake, and not scored")
    if name in zerocost.names():
        return zerocost.load(name, images, inputs)
    if own.is_named(name):
        if Path(name).stem in names():
            raise UserError(f"the proxy {name} has the name of a shipped one: call file and function otherwise")
        return own.load(Path(name), images, inputs)
    if name in regression.names() or toml_files.is_named(name):
        return alone(regression.load(name, images))
    raise toml_files.unknown_name("proxy", name, names(), (".toml", ".py"))


def fitting(inputs: str) -> list[str]:
    """The names for networks that take such inputs, images or sequences."""
    from pipeline.proxies import regression, zerocost

    return [*zerocost.names(inputs), *regression.fitting(inputs)]
