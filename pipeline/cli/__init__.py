"""The command line: the app, options that verbs share, and one file per verb."""

from pipeline.cli.application import app as app
from pipeline.cli.application import main as main
