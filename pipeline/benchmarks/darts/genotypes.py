"""Genotypes as DARTS prints them: `Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), ...)`.

The text is an expression of Python, and comes from outside: it is parsed, and never evaluated.
"""

from __future__ import annotations

import ast
import re
import warnings

from pipeline.errors import UserError, excerpt

FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")

LONGEST = 4096
"""Characters of a genotype; a published one has about 490."""

_TOO_MANY = 64  # nodes of a range
_WRITTEN_WITH = re.compile(r"[A-Za-z0-9_\s()\[\],='\"]*", re.ASCII)


def parse(text: str) -> dict[str, object]:
    """The fields of a genotype: each a list, of (operation, node) tuples or of nodes.

    Raises:
        UserError: the text is no genotype; the message says what of it.
    """
    if len(text) > LONGEST:
        raise UserError(f"the genotype has {len(text):,} characters, and none has more than {LONGEST:,}")
    call = _expression(text)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "Genotype":
        raise UserError(f"{excerpt(text, 80)} is no genotype: Genotype(normal=[...], ...) is expected")
    if call.args:
        raise UserError("the genotype has a part without a name: normal=[...] is expected")
    genotype: dict[str, object] = {}
    for keyword in call.keywords:
        if keyword.arg not in FIELDS or keyword.arg in genotype:
            known = ", ".join(FIELDS)
            raise UserError(
                f"the genotype names {excerpt(str(keyword.arg), 40)}, where each of {known} is expected once"
            )
        genotype[keyword.arg] = _value(keyword.value)
    if missing := [name for name in FIELDS if name not in genotype]:
        raise UserError(f"the genotype has no {missing[0]}")
    return genotype


def pairs(text: str) -> object:
    """The lists of a text that is one of lists of lists of whole numbers.

    Raises:
        UserError: it is not.
    """
    if len(text) > LONGEST:
        raise UserError(f"the architecture has {len(text):,} characters, and none has more than {LONGEST:,}")
    return _value(_expression(text), -1)


def _expression(text: str) -> ast.expr:
    """The syntax tree; of few characters, among them no operator, a tree is small and not deep."""
    unexpected = text[_WRITTEN_WITH.match(text).end() :]  # type: ignore[union-attr]  # it matches the empty text, too
    if unexpected:
        raise UserError(f"{excerpt(text, 80)} is no genotype: {excerpt(unexpected[0])} does not occur in one")
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise UserError(f"{excerpt(text, 80)} is no expression of Python: {reason}") from error


def _value(node: ast.expr, depth: int = 0) -> object:
    """What a list, tuple, text, whole number or range states."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, str):
        return node.value
    if isinstance(node, ast.List | ast.Tuple) and depth < 2:
        values = [_value(element, depth + 1) for element in node.elts]
        return values if isinstance(node, ast.List) else tuple(values)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        return _range([_value(argument, 2) for argument in node.args], named=bool(node.keywords))
    raise UserError(
        f"the genotype holds {excerpt(ast.unparse(node), 60)}, where lists of operations or nodes are expected"
    )


def _range(bounds: list[object], *, named: bool) -> list[int]:
    small = [bound for bound in bounds if type(bound) is int and 0 <= bound < _TOO_MANY]
    if named or len(small) != len(bounds) or len(small) not in (1, 2):
        raise UserError("the genotype holds a range that is not of one or two small numbers")
    return list(range(*small))
