"""Options and arguments that are empty, out of range, misspelt, or do not go together."""

from tests.attack.case import Case

CASES = [
    Case("no such verb", "scroe nasbench201", exit=2, says=("No such command 'scroe'",)),
    Case("a misspelt benchmark", "score nasbench202", says=("unknown benchmark 'nasbench202'", "nasbench201")),
    Case("a misspelt proxy", "score nasbench201 --proxy synflw", says=("synflow",)),
    Case("a space of another benchmark", "score nasbench201 --space darts --proxy synflow", says=("darts",)),
    Case("a sample of none", "score nasbench201 --sample 0", exit=2, says=("--sample",)),
    Case("a seed below zero", "score nasbench201 --seed -1", exit=2, says=("--seed",)),
    Case("workers of one process", "score nasbench201 --executor inline --workers 2", exit=2, says=("--workers",)),
    Case("a cluster without Ray", "score nasbench201 --address auto:1", exit=2, says=("--executor ray",)),
    Case("seeds that go down", "search nasbench201 --proxy synflow --seeds 9-3", exit=2, says=("--seeds",)),
    Case("fewer labels than a rule has", "tune weigh nasbench201 --labels 3", exit=2, says=("--labels",)),
    Case("two SELECTs to answer", "query 'FROM scores' --example rho_of_each_proxy", exit=2, says=("--example",)),
    Case("a format that is not one", "query 'FROM scores' --format xlsx", exit=2, says=("--format",)),
]
