"""Recognize predictions of surrogate models, which are never stored as ground truth."""

from __future__ import annotations

import re

_WORDS = {
    "pred", "preds", "predicted", "prediction", "predictions", "predictor", "surrogate", "surrogates", "estimated",
    "simulated",
}  # fmt: skip
_MODELS = re.compile(r"(nb|nasbench|nas-bench-|nas_bench_)-?_?301[-_ ]?(models?|surrogates?|predictions?)")


def named(text: str) -> bool:
    """Whether a column or file is called after predictions: `predicted_accuracy`, `nb301_models`."""
    lower = re.sub("([a-z])([A-Z])", r"\1_\2", text).lower()
    return bool(_WORDS & set(re.findall("[a-z]+", lower)) or _MODELS.search(lower))


REFUSED = (
    "holds what a surrogate model predicts, by its name, and predictions are never stored as ground truth: leave it "
    "out, or declare it as a released score with [[score]]"
)
