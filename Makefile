# One command for each thing a person wants. Everything happens in .venv.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/pip install --quiet --constraint constraints.txt

.PHONY: install demo test lint docs clean

install: $(VENV)/installed

$(VENV)/installed: setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[fast]' tox
	touch $@

demo: install
	$(VENV)/bin/briqa-sk demo --out demo/

test: install
	$(VENV)/bin/tox run -e py

lint: install
	$(VENV)/bin/tox run -e lint

docs: install
	$(VENV)/bin/tox run -e docs

clean:
	rm -rf $(VENV) .tox demo docs/_build docs/auto_examples docs/generated
