# make report: install the dependencies, run the pipeline, print the path of the page.
# make verify: check that the results are up to date with the parameters, code and data.
# make fresh:  check this with the records alone, without data, models or cache.
# make review BASE=main: compare the results with those of another revision, for a pull request.
# make reproduce: rerun every stage, and compare the results with the committed ones.
# make predict IMAGES=photo.png: classify images with the best model; MODEL="cnn mlp" runs others.
# make export: export the models to Keras, ONNX and NumPy, with model cards; MODEL="cnn mlp" for some.
# make study:  train the variants and seeds of study.yaml; show which differences exceed the noise.
# make try:    write a page on which you draw and the trained models classify the drawing.
# make test:   install the dependencies, check the style, run the tests; test-long: the long ones.
# make clean:  delete .venv, data, models, records, studies and exports; keep reports/ and data/own.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
INSTALLED := .venv/.installed
TOOLS := .venv/.tools
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: report verify fresh review reproduce study predict export try summary data comment post test test-long mutants format bench lock clean always

CORES ?= all
# The words of git, if it fails.
WITHOUT_GIT := { LC_ALL=C git rev-parse --git-dir 2>&1 > /dev/null | sed \
	'/not a git repository/s/$$/; DVC needs one: git init, or dvc config --local core.no_scm true/'; exit 1; }
NEEDS_DVC = @test -e dvc.yaml || { echo "make $@ needs DVC's files, but dvc.yaml is missing"; exit 1; }
report: $(INSTALLED)
	@test -e dvc.yaml || test -e workflow || { echo "make report needs dvc.yaml or workflow/"; exit 1; }
	@if [ -e dvc.yaml ]; then python scripts/tool.py check_parameters && \
	{ dvc repro || $(WITHOUT_GIT); }; else snakemake --cores $(CORES); fi
	@echo "The page: $(CURDIR)/reports/comparison.html"

verify: $(INSTALLED)
	@python scripts/tool.py verify

fresh: $(INSTALLED)
	@python scripts/tool.py fresh

# In the environment, because the shell could run a branch name as a command.
review: override export BASE := $(or $(value BASE),main)
review: override export HEAD := $(value HEAD)
review: $(INSTALLED)
	@python scripts/tool.py review --base="$$BASE" --head="$$HEAD" --test data/processed/test.npz \
		--markdown reports/review.md --html reports/review.html \
		--repository="$$REPOSITORY_URL" --run="$$RUN_URL"
	@echo "The review: $(CURDIR)/reports/review.html, and review.md for the pull request"

study: $(INSTALLED)
	@test -e workflow || { echo "make study needs Snakemake's files, but workflow/ is missing"; exit 1; }
	snakemake --snakefile workflow/study.smk --cores $(CORES)
	@echo "The page: $(CURDIR)/reports/study.html, and study.md beside it"

# In the environment, as above. python scripts/tool.py predict --help lists the FLAGS.
predict: override export IMAGES := $(value IMAGES)
predict: override export MODEL := $(value MODEL)
predict: override export FLAGS := $(value FLAGS)
predict: $(INSTALLED)
	@test -n "$$IMAGES" || { echo "make predict needs a file or folder: IMAGES=photo.png"; exit 1; }
	@set -f; python scripts/tool.py predict --images="$$IMAGES" --models $$MODEL \
		--seen reports/predictions.html $$FLAGS

export: override export MODEL := $(value MODEL)
export: $(INSTALLED)
	@set -f; python scripts/tool.py export --models $$MODEL --output exports

try: $(INSTALLED)
	@python scripts/tool.py try_models --models models --metrics reports/metrics.json \
		--stats reports/stats.json --test data/processed/test.npz --html reports/try.html
	@echo "The page: $(CURDIR)/reports/try.html"

# --force, because others may have written to a shared cache.
reproduce: $(INSTALLED)
	$(NEEDS_DVC)
	dvc repro --force || $(WITHOUT_GIT)
	@python scripts/tool.py reproduced

# For the GitHub workflows: add the review to the job summary, prepare the test images, write the
# comment on the pull request, post it.
summary:
	@cat reports/review.md >> "$$GITHUB_STEP_SUMMARY"

data: $(INSTALLED)
	$(NEEDS_DVC)
	dvc repro preprocess

comment: $(INSTALLED)
	@python scripts/tool.py comment --test data/processed/test.npz

# Installs nothing, because the token of this job can write.
post:
	@$(PYTHON) scripts/tool.py post

test: $(TOOLS)
	ruff format --check || { echo "fix with: make format"; exit 1; }
	ruff check || { echo "fix with: make format"; exit 1; }
	snakefmt --check workflow || { echo "fix with: make format"; exit 1; }
	pytest

test-long: $(TOOLS)
	pytest -m long

# Mutation tests: do tests notice small bugs? For one module: make mutants ARGS=scripts/core/npz.py
mutants: $(TOOLS)
	python tests/mutants.py $(ARGS)

format: $(TOOLS)
	ruff check --fix
	ruff format
	snakefmt workflow

# All benchmarks take hours. For one: make bench PARTS=recipes ARGS="'cnn fast' --seeds 2"
PARTS ?= recipes growth cost mnist_page pictures labels
bench: $(TOOLS)
	for part in $(PARTS); do python benchmarks/$$part.py $(ARGS) || exit 1; done

# Run this after changing the dependencies in pyproject.toml.
COMPILE := uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock"
lock: $(INSTALLED)
	pip install --quiet uv
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --group dev --constraints requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf .venv .snakemake logs data/raw/dataset.npz data/processed models provenance study exports

# Compares contents, because a checkout changes the time of requirements.lock.
$(INSTALLED): always
	@cmp -s requirements.lock $@ || { \
	test ! -L .venv || { echo ".venv is a link to an environment with other packages: remove the link"; \
	exit 1; }; \
	test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is required, but none is on PATH; \
	run: make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 1; }; \
	$(PYTHON) -m venv --clear .venv && .venv/bin/python -m pip install --quiet \
		--disable-pip-version-check --require-hashes --requirement requirements.lock \
	&& cp requirements.lock $@; }

# The additional dependencies of tests, checks and benchmarks.
$(TOOLS): always $(INSTALLED)
	@cmp -s requirements-dev.lock $@ || { .venv/bin/python -m pip install --quiet \
		--disable-pip-version-check --require-hashes --requirement requirements-dev.lock \
	&& cp requirements-dev.lock $@; }
