"""The command line: the app, options that verbs share, and one file per verb.

Every module of this package is imported here, so a verb is added by adding its file, in which
`pipeline.cli.application.verb` decorates a function.
"""

import importlib
import pkgutil

from pipeline import interruption

with interruption.ended_while_starting():
    from pipeline.cli.application import app as app
    from pipeline.cli.application import main as main

    for _module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{_module.name}")
