"""Settings in words: name, default and allowed values, for help texts, forms and documentation."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def option_name(section: str, name: str) -> str:
    """Give the name of a setting on the command line, without the dashes in front.

    Examples
    --------
    >>> option_name("training", "learning_rate")
    'training.learning-rate'
    """
    return f"{section}.{name}".replace("_", "-")


def default_text(field: FieldInfo) -> str:
    """Write the default of a setting.

    Parameters
    ----------
    field
        Declaration of the setting.

    Returns
    -------
    str
        The value as one types it; "none" for an empty one.

    Examples
    --------
    >>> from napari_unet.config.training import TrainingConfig
    >>> [default_text(TrainingConfig.model_fields[name]) for name in ("seconds", "steps", "optimizer")]
    ['300', 'none', 'adamw']
    """
    if field.default is None or isinstance(field.default, bool):
        return str(field.default).lower()
    return f"{field.default:.10g}" if isinstance(field.default, float) else str(field.default)


def allowed_text(field: FieldInfo) -> str:
    """Write what a setting may be.

    Parameters
    ----------
    field
        Declaration of the setting.

    Returns
    -------
    str
        Choices or bounds; empty if there are none to name.

    Examples
    --------
    >>> from napari_unet.config.training import TrainingConfig
    >>> [allowed_text(TrainingConfig.model_fields[name]) for name in ("momentum", "steps", "scheme")]
    ['at least 0, below 1', 'at least 1, or none', 'dense | sparse']
    """
    if chosen := choices(field):
        return " | ".join(chosen)
    limits = [
        f"{word} {getattr(part, key):.10g}"
        for part in field.metadata
        for key, word in _BOUNDS.items()
        if hasattr(part, key)
    ]
    return ", ".join([*limits, *["or none"] * is_optional(field)])


def help_text(field: FieldInfo) -> str:
    """Write meaning, default and allowed values of a setting.

    Examples
    --------
    >>> from napari_unet.config.training import TrainingConfig
    >>> help_text(TrainingConfig.model_fields["batch_size"])
    'Patches a step. Default 4; at least 1, at most 1024.'
    """
    allowed = allowed_text(field)
    return f"{field.description} Default {default_text(field)}" + (f"; {allowed}." if allowed else ".")


def is_advanced(field: FieldInfo) -> bool:
    """Tell whether a setting is one that few people change."""
    return bool(declared(field, "advanced"))


def declared(field: FieldInfo, key: str) -> Any:
    """Give what `setting` keeps for the form: ``step``, ``start`` or ``advanced``."""
    assert isinstance(field.json_schema_extra, dict)
    return field.json_schema_extra[key]


def choices(field: FieldInfo) -> tuple[str, ...]:
    """Give the values of a setting that is a choice, and nothing for any other."""
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def is_optional(field: FieldInfo) -> bool:
    """Tell whether a setting may be empty."""
    return get_origin(field.annotation) in (Union, UnionType) and NoneType in get_args(field.annotation)


def value_type(field: FieldInfo) -> Any:
    """Give the type of a setting that is not empty: ``bool``, ``int``, ``float`` or ``str``."""
    if choices(field):
        return str
    return next(part for part in get_args(field.annotation) or (field.annotation,) if part is not NoneType)
