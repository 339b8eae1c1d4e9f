"""What the plugin costs before it does anything: the start of napari with and without it, and opening each dock.

Run with ``python benchmarks/startup.py`` where there is a display. Every figure is processor time, which other programs
disturb little, and the median of fresh interpreters; those with and without the plugin take turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

from npe2 import PluginManifest

PLUGIN = "napari-unet-interactive"
START = """
import json, sys, time
if not {with_plugin}:
    from importlib import metadata
    found = metadata.distributions
    metadata.distributions = lambda **kwargs: (one for one in found(**kwargs) if one.name != {plugin!r})
begin = time.process_time()
import napari
viewer = napari.Viewer()
napari.qt.get_qapp().processEvents()
figures = {{"start": time.process_time() - begin}}
assert not any(name == "torch" or name.startswith("napari_unet.") for name in sys.modules)
"""
DISCOVER = """
from npe2 import PluginManifest, PluginManager
begin = time.process_time()
PluginManager.instance().register(PluginManifest.from_distribution({plugin!r}))
figures["register"] = time.process_time() - begin
"""
DOCK = """
from importlib import import_module
begin = time.process_time()
import_module({module!r})
figures["import"] = time.process_time() - begin
begin = time.process_time()
viewer.window.add_plugin_dock_widget({plugin!r}, {dock!r})
napari.qt.get_qapp().processEvents()
figures["open"] = time.process_time() - begin
figures["torch"] = "torch" in sys.modules
"""
END = "\nviewer.close()\nprint(json.dumps(figures))"


def measure(*parts: str, **values: object) -> dict[str, float]:
    """Run code in a fresh interpreter and give the figures that it prints."""
    code = "\n".join(parts).format(plugin=PLUGIN, **values) + END
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def median(runs: list[dict[str, float]], name: str) -> float:
    """Give the median of a figure in milliseconds."""
    return 1e3 * statistics.median(run[name] for run in runs)


def show_start(repeats: int) -> None:
    """Print what the start of napari takes."""
    runs: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    for _ in range(repeats):
        runs[True].append(measure(START, with_plugin=True))
        runs[False].append(measure(START, DISCOVER, with_plugin=False))
    with_plugin, without = (median(runs[there], "start") for there in (True, False))
    print(f"napari until its window is there: {with_plugin:.0f} ms with the plugin, {without:.0f} ms without")
    print(f"finding and registering the plugin alone: {median(runs[False], 'register'):.0f} ms\n")


def show_docks(repeats: int) -> None:
    """Print what opening each dock takes, the first of a session."""
    manifest = PluginManifest.from_distribution(PLUGIN)
    modules = {command.id: command.python_name.split(":")[0] for command in manifest.contributions.commands}
    print("dock           import    open  torch loaded")
    for widget in manifest.contributions.widgets:
        values = {"module": modules[widget.command], "dock": widget.display_name}
        runs = [measure(START, DOCK, with_plugin=True, **values) for _ in range(repeats)]
        figures = f"{median(runs, 'import'):5.0f} ms {median(runs, 'open'):4.0f} ms"
        print(f"{widget.display_name:12} {figures}  {runs[0]['torch']}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="Fresh interpreters for each figure.")
    repeats = parser.parse_args().repeats
    show_start(repeats)
    show_docks(repeats)


if __name__ == "__main__":
    main()
