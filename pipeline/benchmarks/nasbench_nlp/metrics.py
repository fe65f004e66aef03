"""What the ground truth of NAS-Bench-NLP measures."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.benchmarks.contract import Metric

WORDS = {"ptb": 10_000, "wikitext-2": 33_278}
"""Data sets, with the words of each vocabulary."""

FLAGS = ("train", "validation", "test")
"""What a loss is measured on, after each epoch."""


def _metrics() -> Iterator[Metric]:
    for place, dataset in enumerate(WORDS):
        for priority, flag in enumerate(("test", "validation"), 1 + 2 * place):
            what = f"smallest {flag} loss of all epochs"
            yield Metric(dataset, f"best_{flag}_loss", flag, "nats", False, priority, f"{what}, per word")
            yield Metric(
                dataset, f"best_{flag}_perplexity", flag, "perplexity", False, None, f"exponential of the {what}"
            )
        for flag in FLAGS:
            what = f"cross-entropy per word on the {flag} set after the epoch"
            yield Metric(dataset, f"{flag}_loss", flag, "nats", False, None, what)
        seconds = "wall time of the training up to and with this epoch, without evaluations, as published"
        yield Metric(dataset, "train_seconds", "none", "seconds", False, None, seconds)
        yield Metric(dataset, "params", "none", "count", None, None, "parameters of the language model, words included")


METRICS = tuple(_metrics())
TRAINED = tuple(dict.fromkeys(m.metric for m in METRICS if m.metric != "params"))
"""The metrics that a training gives."""
