"""The Python API: sample architectures, score networks, correlate scores with true values, read a lake as DataFrames.

What `import pipeline` offers is what this package does. Nothing here writes to a lake. docs/python-api.md has examples.
"""

from pipeline.api.correlation import Correlation, RhoDifference, compare, correlate
from pipeline.api.lakes import LakeReader as Lake
from pipeline.api.lakes import query
from pipeline.api.many_networks import score_networks
from pipeline.api.networks import Architecture, NetworkScore, sample_architectures, score_network, tapped
from pipeline.errors import UserError

__all__ = [
    "Architecture", "Correlation", "Lake", "NetworkScore", "RhoDifference", "UserError", "compare", "correlate",
    "query", "sample_architectures", "score_network", "score_networks", "tapped",
]  # fmt: skip
