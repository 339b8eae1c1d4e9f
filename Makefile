# Every target sets itself up: the first one called makes the environment, the others find it.

# Folder of the environment.
VENV ?= .venv
# Folder of the demo's pictures.
DEMO ?= demo

is_new_enough = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,\
	$(shell $(name) -c '$(is_new_enough)' 2>/dev/null && echo $(name))))
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Processes that share the tests.
JOBS ?= 2

# Threads of torch that wait shall sleep: spinning, they slow training several times where the cores have other work.
export OMP_WAIT_POLICY ?= PASSIVE

# Windows need a display with OpenGL. Where there is none, they are drawn on a virtual one by Mesa.
SCREEN := $(if $(DISPLAY)$(WAYLAND_DISPLAY)$(filter-out Linux,$(shell uname -s)),,\
	xvfb-run -a -s "-screen 0 1920x1080x24")
SCREEN_PACKAGES := xvfb xauth libgl1 libgl1-mesa-dri libegl1 libdbus-1-3 libfontconfig1 libglib2.0-0 fonts-dejavu-core \
	libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 \
	libxcb-shape0 libxcb-xinerama0 libxcb-xkb1

.PHONY: help demo test lint types unit docs benchmark clean
.DELETE_ON_ERROR:

help:
	@echo "make demo       open napari with a sample, the docks and a guide; without a display: pictures in $(DEMO)/"
	@echo "make test       lint, types and all tests"
	@echo "make lint | types | unit    each of them alone"
	@echo "make docs       write the pages and pictures that follow from the code"
	@echo "make benchmark  measure speed on this machine"
	@echo "make clean      remove the environment and everything made"

# A person gets the window; without a display the demo plays itself in a virtual one.
demo: $(READY) $(if $(SCREEN),screen)
	@$(if $(SCREEN),$(SCREEN) $(BIN)/python docs/make_screenshots.py -o $(DEMO) --theme dark,\
		$(BIN)/python -m napari_unet.widgets.demo)

# Last come the tests: what a log ends with is their summary.
test: lint types unit

lint: $(READY)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(READY)
	@$(BIN)/mypy

unit: $(READY) $(if $(SCREEN),screen)
	@$(SCREEN) $(BIN)/pytest --numprocesses $(JOBS) --max-worker-restart 1

docs: $(READY) $(if $(SCREEN),screen)
	@for script in docs/make_*.py; do $(SCREEN) $(BIN)/python $$script || exit 1; done

benchmark: $(READY) $(if $(SCREEN),screen)
	@$(BIN)/pip install -qq -c constraints.txt -e '.[benchmark]'
	@for script in benchmarks/*.py; do $(SCREEN) $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV): a few minutes, once."
	@$(BIN)/pip install -qq -c constraints.txt -e '.[test]'
	@touch $@

# Debian keeps the module that makes environments in a package of its own.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(MAKE) -s install-venv
	@$(PYTHON) -m venv $(VENV)

.PHONY: install-venv
install-venv:
	@test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		|| { echo "Python cannot make environments: install $(notdir $(PYTHON))-venv first." >&2; exit 1; }
	@apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq $(notdir $(PYTHON))-venv >/dev/null

# Only Debian's names of the packages are known; elsewhere it is enough that the virtual display can be started.
.PHONY: screen
screen:
	@if command -v dpkg-query >/dev/null; then \
		dpkg-query -s $(SCREEN_PACKAGES) >/dev/null 2>&1 || $(MAKE) -s install-screen; \
	else \
		command -v xvfb-run >/dev/null || { echo "There is no display: install xvfb-run first." >&2; exit 1; }; \
	fi

.PHONY: install-screen
install-screen:
	@test "$$(id -u)" = 0 || { echo "There is no display. For a virtual one, first install: $(SCREEN_PACKAGES)" >&2; exit 1; }
	@apt-get update -qq
	@DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(SCREEN_PACKAGES) >/dev/null
