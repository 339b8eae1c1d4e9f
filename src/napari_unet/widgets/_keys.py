"""Keys that do something while a dock is open; of several open docks, the one that was opened last has a key."""

from __future__ import annotations

import weakref
from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.components import ViewerModel

    Action: TypeAlias = Callable[[Any], object]
    Claims: TypeAlias = defaultdict[str, list[weakref.ref[Action]]]

#: What open docks want a key to do, the last one last. Weak: an action knows its dock, and that the viewer.
_claims: weakref.WeakKeyDictionary[ViewerModel, Claims] = weakref.WeakKeyDictionary()


def key_action(action: Callable[[], object]) -> Action:
    """Make what napari calls with its viewer.

    Parameters
    ----------
    action
        What to call; a partial function will do, though it has no name, which napari reads.
    """

    def act(_viewer: object) -> None:
        action()

    return act


def take_keys(viewer: ViewerModel, keys: Mapping[str, Action]) -> None:
    """Take keys from whoever has them.

    Parameters
    ----------
    viewer
        The viewer.
    keys
        What to call, by the key.
    """
    for key, action in keys.items():
        _claims_of(viewer)[key] = [*_others(viewer, key, action), weakref.ref(action)]
        viewer.bind_key(key, action, overwrite=True)


def release_keys(viewer: ViewerModel, keys: Mapping[str, Action]) -> None:
    """Give keys back to the docks that had them before and are still open.

    Parameters
    ----------
    viewer
        The viewer.
    keys
        As they were taken.
    """
    for key, action in keys.items():
        others = _claims_of(viewer)[key] = _others(viewer, key, action)
        if action in viewer.keymap.values():
            viewer.bind_key(key, others[-1]() if others else None, overwrite=True)


def _claims_of(viewer: ViewerModel) -> Claims:
    """Give the claims on the keys of a viewer, which a dock knows through a proxy."""
    return _claims.setdefault(getattr(viewer, "__wrapped__", viewer), defaultdict(list))


def _others(viewer: ViewerModel, key: str, action: Action) -> list[weakref.ref[Action]]:
    """Give the claims on a key but for that of an action, and those of docks that are no more."""
    return [claim for claim in _claims_of(viewer)[key] if claim() not in (None, action)]
