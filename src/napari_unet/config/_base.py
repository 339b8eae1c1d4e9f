"""The one way a setting is declared: a field of a frozen model, with everything a form or a help text needs."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Base of all settings: frozen, validated (defaults too), unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


def setting(
    default: Any,
    *,
    title: str,
    help: str,
    step: float | None = None,
    start: float | None = None,
    advanced: bool = True,
    **bounds: Any,
) -> Any:
    """Declare one setting.

    Parameters
    ----------
    default
        Value used when nobody chooses one; the only place where it is written.
    title
        Label in the form, a few words.
    help
        One or two sentences with the unit: tooltip, command-line help and documentation.
    step
        Increment of the spin box; a number with a small scale must give one.
    start
        Where the form begins when a number that was empty is filled in, unless it knows better; None: at the least.
    advanced
        Whether the form folds it away.
    **bounds
        Bounds as pydantic knows them: ``ge``, ``gt``, ``le``, ``lt``, ``min_length``.

    Returns
    -------
    Any
        The pydantic field.

    Examples
    --------
    >>> class Optics(Settings):
    ...     aperture: float = setting(1.4, title="Aperture", help="Numerical aperture.", gt=0)
    >>> Optics().aperture
    1.4
    """
    extra: dict[str, Any] = {"step": step, "start": start, "advanced": advanced}
    return Field(default, title=title, description=help, json_schema_extra=extra, **bounds)
