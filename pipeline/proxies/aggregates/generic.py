"""`generic`: the fixed sum of unlike proxies whose parts are scored where they are missing.

It has a form for each sort of input: `forms/images.toml`, `forms/sequences.toml`. In a lake its terms are pinned to the
parts' configurations, so that scores on other images are another `generic`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline import proxies
from pipeline.errors import UserError
from pipeline.formats import numbers, toml_files
from pipeline.proxies import aggregates
from pipeline.proxies.aggregates import GENERIC, Aggregate

FOLDER = Path(__file__).parent / "forms"


@dataclass(frozen=True)
class Part:
    """What is scored at once: proxies that share their passes, with the seeds that each seed of the sum takes.

    Args:
        proxy: what `proxies.load` takes.
        names: of its proxies, the ones that are parts.
    """

    proxy: str
    names: tuple[str, ...]
    seeds: int = 1

    def seeds_of(self, seed: int) -> range:
        """The seeds that a seed of the sum takes.

        Raises:
            UserError: they would be larger than a lake holds.
        """
        seeds = range(self.seeds * seed, self.seeds * (seed + 1))
        numbers.whole(seeds.stop - 1, f"the last seed of {self.proxy} with --seed {seed}")
        return seeds


def form(inputs: str) -> Aggregate:
    """The sum for networks that take such inputs, its terms by name.

    Raises:
        UserError: there is none.
    """
    path = FOLDER / f"{inputs}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise UserError(f"{GENERIC} has no form for networks that take {inputs}; it has one for {known}")
    return toml_files.validated(Aggregate, toml_files.read(path, "aggregate"), path, "aggregate", "the file")


def pinned(inputs: str, images: Path | str | None) -> Aggregate:
    """The sum with each term pinned to the configuration that is scored on these images.

    Raises:
        UserError: there is none for such inputs, or a part that cannot be loaded.
    """
    whole = form(inputs)
    loaded = {
        proxy.name: proxy
        for part in parts(whole)
        for proxy in proxies.load(part.proxy, images, inputs).proxies
    }  # fmt: skip
    terms = [term.model_copy(update={"proxy_id": loaded[term.proxy].proxy_id}) for term in whole.terms]
    seen = (loaded[term.proxy].configuration.get("images") for term in whole.terms)
    return whole.model_copy(update={"terms": terms, "images": next(filter(None, seen), None)})


def parts(whole: Aggregate) -> Iterator[Part]:
    """What is scored for it: first what needs no training, together."""
    from pipeline.proxies import zerocost

    untrained: dict[int, dict[str, None]] = {}
    for term in whole.terms:
        if term.proxy in zerocost.names():
            untrained.setdefault(term.seeds or 1, {})[term.proxy] = None
    yield from (Part(zerocost.BUNDLE, tuple(names), seeds) for seeds, names in untrained.items())
    trained = dict.fromkeys((t.proxy, t.seeds or 1) for t in whole.terms if t.proxy not in zerocost.names())
    yield from (Part(name, (name,), seeds) for name, seeds in trained)


def named(name: str, inputs: str, images: Path | str | None) -> Aggregate:
    """The aggregate of a name or a TOML file, `generic` pinned to the images.

    Raises:
        UserError: as in `aggregates.load` and `pinned`.
    """
    return pinned(inputs, images) if name == GENERIC else aggregates.load(name)
