"""Options in groups: a command takes a dataclass, the command line shows its fields as options."""

from __future__ import annotations

import ast
import copy
import dataclasses
import functools
import inspect
import sys
import textwrap
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_type_hints

import typer.models


def flattened(function: Callable[..., Any]) -> Callable[..., None]:
    """The function with each parameter that is a dataclass replaced by the fields of that dataclass.

    The first line of a dataclass's docstring, without its full stop, is the title of its options in the help. Fields
    are annotated as typer's parameters are, and have defaults.
    """
    hints = get_type_hints(function, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type[Any]] = {}
    for parameter in inspect.signature(function).parameters.values():
        hint = hints[parameter.name]
        if not dataclasses.is_dataclass(hint):
            parameters.append(parameter.replace(annotation=hint, kind=parameter.KEYWORD_ONLY))
            continue
        assert isinstance(hint, type)
        groups[parameter.name] = hint
        parameters += _fields(hint)
    for parameter in parameters:
        for info in get_args(parameter.annotation)[1:]:
            info.readable = False  # what cannot be read is told where it is read, and is no error of usage

    @functools.wraps(function)
    def command(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in dataclasses.fields(group)})
        function(**values)

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def documentation(documented: Any) -> str:
    """The docstring of a function or class, which `python -OO` leaves out: then as the source file has it."""
    if sys.flags.optimize < 2:
        return inspect.getdoc(documented) or ""
    definition: Any = ast.parse(textwrap.dedent(inspect.getsource(documented))).body[0]
    return ast.get_docstring(definition) or ""


def _fields(group: type[Any]) -> list[inspect.Parameter]:
    title = documentation(group).partition("\n")[0].rstrip(".")
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=_under(title, hints[field.name]),
        )
        for field in dataclasses.fields(group)
    ]


def _under(title: str, hint: Any) -> Any:
    """The annotation with the title as the panel of its option."""
    kind, *extras = get_args(hint)
    [option] = [extra for extra in extras if isinstance(extra, typer.models.OptionInfo)]
    changed = copy.copy(option)
    changed.rich_help_panel = title
    return Annotated[kind, changed]
