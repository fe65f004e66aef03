"""The names of parts, which say what a part holds and make it the only one of its kind.

    ingest-SOURCE                          an ingested source
    score-FAMILY-RUN-NUMBER                scores of a family of proxies that a sample or a list asked for
    score-FAMILY-search-RUN-NUMBER         such scores that a search asked for
    score-FAMILY-adopted-RANDOM            scores of a search that a sample asked for, too
    score-FAMILY[-search|-adopted]-HASH    many such parts as one, taken from another lake
    search-SEARCH-RUN-NUMBER               steps of a search
    aggregate-PROXY                        the definition of an aggregate
    tune-TUNING-PROXY                      the proxy made by a tuning
    tune-TUNING-trials-RUN-NUMBER          trainings of an evolution of tasks
    tune-draws-EVALUATION-RUN-NUMBER       an evaluation of tunings

Readers find parts by the beginning of their names. Lakes made by earlier versions number some of them in another way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

SEARCH, ADOPTED, TRIALS = "search", "adopted", "trials"

_FORM = re.compile(
    r"(?P<stage>ingest|score|search|aggregate|tune)-(?P<subject>.+?)"
    rf"(-(?P<content>{SEARCH}|{ADOPTED}|{TRIALS}))?"
    r"(-(?P<origin>[0-9a-f]{8,16}))?"
    r"(-(?P<number>\d{5}|[1-9]\d{5,}))?"
)


@dataclass(frozen=True)
class PartName:
    """The name of a part.

    Args:
        stage: ingest, score, search, aggregate or tune.
        subject: what its rows are of: the identity of a source, search or tuning, or a family of proxies.
        content: search, adopted or trials, where the stage writes several kinds of parts.
        origin: 8 to 16 hex digits that tell parts of one subject apart: a run, or a hash.
        number: of the part within its run, from 1.
    """

    stage: str
    subject: str
    content: str = ""
    origin: str = ""
    number: int | None = None

    def __str__(self) -> str:
        number = "" if self.number is None else f"{self.number:05d}"
        return "-".join(word for word in (self.stage, self.subject, self.content, self.origin, number) if word)

    @property
    def prefix(self) -> str:
        """What the names of all parts of this stage, subject and content begin with."""
        return f"{PartName(self.stage, self.subject, self.content)}-"

    @property
    def whole_subject(self) -> PartName:
        """The same without its content, origin and number: begins the names of all parts of this subject."""
        return PartName(self.stage, self.subject)

    def of_run(self, run_id: str, number: int) -> PartName:
        """The name of a run's part of that number."""
        return replace(self, origin=run_id, number=number)


def parse(text: str) -> PartName | None:
    """The name that a part's folder states; None where it is of another form."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    number = match["number"]
    return PartName(
        match["stage"], match["subject"], match["content"] or "", match["origin"] or "", int(number) if number else None
    )
