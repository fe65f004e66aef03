"""Random recurrent cells, and neighbours of a cell, in the space of NAS-Bench-NLP.

`sample` follows the generator that the benchmark's authors describe and released: nodes are drawn one after another,
some of them are then declared new states, and what no state depends on is removed.
"""

from __future__ import annotations

from random import Random

from pipeline.benchmarks.nasbench_nlp.recipes import ACTIVATIONS, INPUTS, PAIRS, Recipe, canonical, count_states
from pipeline.errors import UserError

MOST_NODES = 24  # of a cell that is drawn: three states and 21 more, the largest setting of the authors

_STATES = (1, 2, 3)
_FURTHER = (7, 14, 21)
_MAIN = ("linear",) * 3 + ("blend", *PAIRS)  # drawn as often as they stand here
_LINEAR_INPUTS = (2,) * 4 + (3,)


def sample(random: Random) -> Recipe:
    """A random cell in canonical form.

    The number of states (1, 2 or 3) and of further nodes (7, 14 or 21) are drawn. Then nodes are added until there are
    as many: linear with chance 1/2, else a blend, product or sum. A linear node reads 2 (chance 4/5) or 3 different
    vertices out of x, the previous states and the activations, and an activation of it follows at once; the others read
    different vertices out of everything but x. Some nodes are drawn to be the new states. A cell that leaves x or a
    previous state unread, or where a new state reads a previous one directly, is drawn anew.
    """
    states, further = random.choice(_STATES), random.choice(_FURTHER)
    while True:
        recipe = _pruned(_drawn(random, states, further), random, states)
        if not _count_deviations(recipe) and len(recipe) <= MOST_NODES:
            return canonical(recipe)


def mutate(recipe: Recipe, random: Random) -> Recipe:
    """A neighbour in canonical form: one change of the recipe, of one of four kinds that are equally likely.

    - A node gets another operation that takes as many inputs.
    - A node reads another vertex in the place of one of its inputs.
    - A node is put into an edge: it reads the vertex that the edge came from and, as its operation wants, others.
    - A node that is no new state is taken out: what read it reads one of its inputs.

    What no new state then depends on is removed. The change is drawn anew when it gives the same cell, breaks a rule
    (a cycle; x read by a node that is not linear), lets a node read a vertex twice, leaves x or a previous state
    unread, lets a new state read a previous one directly, where the cell does not do so before, or makes the cell
    larger than 24 nodes. A cell keeps its number of states.
    """
    deviations, most = _count_deviations(recipe), max(MOST_NODES, len(recipe))
    while True:
        change = random.choice(_CHANGES)
        copied: Recipe = {n: {"op": node["op"], "input": list(node["input"])} for n, node in recipe.items()}
        if not change(copied, random):
            continue
        try:
            neighbour = canonical(copied)
        except UserError:
            continue
        if neighbour != recipe and _count_deviations(neighbour) <= deviations and len(neighbour) <= most:
            return neighbour


def _change_operation(recipe: Recipe, random: Random) -> bool:
    node = recipe[random.choice(list(recipe))]
    count = len(node["input"])
    fitting = [o for o, wanted in INPUTS.items() if wanted == count or (wanted is None and count in _LINEAR_INPUTS)]
    if others := [o for o in fitting if o != node["op"]]:
        node["op"] = random.choice(others)
    return bool(others)


def _change_input(recipe: Recipe, random: Random) -> bool:
    node = recipe[random.choice(list(recipe))]
    position = random.randrange(len(node["input"]))
    node["input"][position] = random.choice(_vertices(recipe, node["input"]))
    return True


def _insert_node(recipe: Recipe, random: Random) -> bool:
    reader = recipe[random.choice(list(recipe))]
    position = random.randrange(len(reader["input"]))
    source = reader["input"][position]
    operation = random.choice(list(INPUTS))
    further = (INPUTS[operation] or random.choice(_LINEAR_INPUTS)) - 1
    others = _vertices(recipe, [source])
    if further > len(others):
        return False
    reader["input"][position] = "another"
    inputs = [source, *random.sample(others, further)]
    random.shuffle(inputs)
    recipe["another"] = {"op": operation, "input": inputs}
    return True


def _remove_node(recipe: Recipe, random: Random) -> bool:
    inner = [name for name in recipe if not name.startswith("h_new_")]
    if not inner:
        return False
    name = random.choice(inner)
    instead = random.choice(recipe.pop(name)["input"])
    for node in recipe.values():
        node["input"] = [instead if source == name else source for source in node["input"]]
    return True


_CHANGES = (_change_operation, _change_input, _insert_node, _remove_node)


def _vertices(recipe: Recipe, but: list[str]) -> list[str]:
    """What a node can read, without some."""
    before = [f"h_prev_{i}" for i in range(count_states(recipe))]
    return [v for v in ("x", *before, *recipe) if v not in but]


def _drawn(random: Random, states: int, further: int) -> Recipe:
    """Random nodes, none of them a new state yet."""
    before = [f"h_prev_{i}" for i in range(states)]
    recipe: Recipe = {}
    activations: list[str] = []
    while len(recipe) < states + further:
        operation = random.choice(_MAIN)
        name = f"node_{len(recipe)}"
        if operation == "linear":
            readable = ["x", *before, *activations]
            recipe[name] = {
                "op": operation,
                "input": random.sample(readable, min(random.choice(_LINEAR_INPUTS), len(readable))),
            }
            activations.append(f"node_{len(recipe)}")
            recipe[activations[-1]] = {"op": random.choice(ACTIVATIONS), "input": [name]}
            continue
        wanted = 3 if operation == "blend" else 2
        readable = [*before, *recipe]
        if len(readable) >= wanted:
            recipe[name] = {"op": operation, "input": random.sample(readable, wanted)}
    return recipe


def _pruned(recipe: Recipe, random: Random, states: int) -> Recipe:
    """The recipe with some of its nodes drawn to be the new states, without what no state depends on."""
    new = {name: f"h_new_{i}" for i, name in enumerate(random.sample(list(recipe), states))}
    named: Recipe = {
        new.get(name, name): {"op": node["op"], "input": [new.get(s, s) for s in node["input"]]}
        for name, node in recipe.items()
    }
    waiting = list(new.values())
    kept: Recipe = {}
    while waiting:
        name = waiting.pop()
        if name in named and name not in kept:
            kept[name] = named[name]
            waiting += named[name]["input"]
    return kept


def _count_deviations(recipe: Recipe) -> int:
    """How often the recipe is not as the authors' generator would make it."""
    read = [source for node in recipe.values() for source in node["input"]]
    unread = {"x", *(f"h_prev_{i}" for i in range(count_states(recipe)))} - set(read)
    direct = sum(
        source.startswith("h_prev_") for n, node in recipe.items() if n.startswith("h_new_") for source in node["input"]
    )
    twice = sum(len(node["input"]) - len(set(node["input"])) for node in recipe.values())
    return len(unread) + direct + twice
