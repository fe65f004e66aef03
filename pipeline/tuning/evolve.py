"""`pipeline tune evolve`: search for a task of the regression proxy with a few labels, by training.

The search is a pure function of its settings and of what the trainings gave, and every training is stored: a search
that was killed takes the same steps when it is run again, and a larger budget continues from a smaller one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline import benchmarks, provenance
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.proxies import regression
from pipeline.scoring.plan import require_networks, specs
from pipeline.tuning import genes, task_evolution, terms, tuned_proxy
from pipeline.tuning.data import TuningData
from pipeline.tuning.task_evolution import EvolutionSettings
from pipeline.tuning.trials import TrainingSettings, Trials, TrialTrainer, configuration_of, task_name
from pipeline.tuning.tuned_proxy import TunedProxy
from pipeline.wording import count_of

VERSION = 1  # raise it when the same search would take other steps
DEFAULT_TRAINING = TrainingSettings()
PUBLISHED = EvolutionSettings()


def evolve(
    lake_root: Path,
    data: TuningData,
    training: TrainingSettings = DEFAULT_TRAINING,
    settings: EvolutionSettings = PUBLISHED,
) -> TunedProxy:
    """Search for a task, and store the best one as a configuration of the regression proxy.

    Args:
        data: the labels; the labelled architectures begin the nested sample of those with a true value. Its `use` and
            `coverage` are of no effect.
        training: on what and how to train.

    Raises:
        UserError: no truth, too few architectures, labels that are equal, a budget that is less than one task takes,
            or a schedule that does not fit.
        KeyboardInterrupt: on Ctrl-C, after storing what is done.
    """
    bench = benchmarks.load(data.benchmark)
    require_networks(bench)
    lake = Lake(lake_root)
    if settings.budget < data.labels:
        raise UserError(
            f"--budget {settings.budget}: one task takes {data.labels} trainings, one for each label: give --budget "
            "as many or more"
        )
    target = terms.target(lake, data.benchmark, data.space, data.target)
    texts = specs(lake, data.benchmark, data.space)
    labels = _labels(target, texts, data)
    images = training.images if bench.inputs == "images" else None
    schedule = genes.schedule(training.schedule, bench.inputs) if training.schedule else {}
    configuration = {
        "benchmark": data.benchmark, "space": data.space, "dataset": target.dataset, "metric": target.metric,
        "method": "evolution", "seed": data.seed, "labels": labels,
        "images": regression.images_of(images) if bench.inputs == "images" else None,
        "population": settings.population, "tournament": settings.tournament,
        "early": settings.early, **({"schedule": schedule} if schedule else {}),
    }  # fmt: skip
    identity = provenance.identity("tuning", VERSION, configuration)
    trainer = TrialTrainer(data.benchmark, data.space, bench.inputs, identity, schedule, images, training.device)
    with lake.lock("tune", identity):  # two processes with the same search would train the same
        trials = Trials(lake, identity, trainer, {a: texts[a] for a in labels})
        tried = trials.evolve(settings, labels, training)
    best = task_evolution.best(tried)
    origin = f"task {best.step} of {len(tried)} tried with {data.labels} labels"
    preset = genes.preset(
        best.genes, bench.inputs, task_name(identity, best.step), f"{origin} of {data.benchmark}", schedule
    )
    row = {
        "tuning_id": identity, "benchmark": data.benchmark, "space": data.space, "dataset": target.dataset,
        "metric": target.metric, "method": "evolution", "configuration": provenance.canonical_json(configuration),
        "seed": data.seed, "labels": list(labels), "trainings": sum(t.used for t in tried), "fitness": best.fitness,
    }  # fmt: skip
    proxy_id = regression.from_preset(preset, images).proxy_id
    return tuned_proxy.store(lake, row, configuration_of(preset), proxy_id, origin)


def _labels(target: terms.Target, texts: Mapping[str, str], data: TuningData) -> dict[str, float]:
    """The true values of the labelled architectures: of those that can be built, the first of the nested sample."""
    labelled = [a for a in provenance.nested(target.truth, data.seed) if a in texts][: data.labels]
    if len(labelled) < data.labels:
        raise UserError(
            f"{count_of(len(labelled), 'architecture has', 'architectures have')} "
            f"a true value, {count_of(data.labels, 'label is', 'labels are')} needed: ingest more, or "
            "give --labels a smaller number"
        )
    labels = {arch_id: target.truth[arch_id] for arch_id in labelled}
    terms.require_different_labels(labels.values(), target.dataset, target.metric)
    return labels
