"""`pipeline merge`: the scores of another lake are copied into this one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.application import GOES_ON, say, verb
from pipeline.cli.options import DEFAULT_LAKE, LakeOption


@verb(example="pipeline merge data/scores", interrupted=GOES_ON)
def merge(
    other: Annotated[Path, typer.Argument(help="Folder of the other lake.", show_default=False)],
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Copy the scores of another lake into this one.

    Training curves, proxies and runs come with them; what is stored already is not copied again.
    """
    from pipeline.scoring import merge as stage

    say(stage.run(lake, other).line)
