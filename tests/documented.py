"""What is there to be set? Read from the source of the settings."""

import ast
import inspect
from typing import Literal, get_args, get_origin

import msgspec

from setwise.settings import Settings, variable_of


class Documented(msgspec.Struct, frozen=True):
    """One setting as a reader sees it."""

    variable: str
    default: str
    text: str
    choices: tuple[str, ...] = ()


def documented() -> list[Documented]:
    """Every setting with its default and the text under it, in the order of the source."""
    entries = []
    for concern in msgspec.structs.fields(Settings):
        texts = _texts_under_fields(concern.type)
        for field in msgspec.structs.fields(concern.type):
            choices = get_args(field.type) if get_origin(field.type) is Literal else ()
            entries.append(
                Documented(variable_of(concern.name, field.name), _as_text(field.default), texts[field.name], choices)
            )
    return entries


def _texts_under_fields(struct: type) -> dict[str, str]:
    body = ast.parse(inspect.getsource(struct)).body[0]
    assert isinstance(body, ast.ClassDef)
    texts = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            texts[field.target.id] = str(ast.literal_eval(text.value))
    return texts


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
