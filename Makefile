# make report: set up what is needed, run the pipeline, say where the page is.
# make verify: check that the results belong to the current parameters, code and data.
# make fresh:  the same by what is at hand: without data, models or cache.
# make review BASE=main: what a change does to the results, for a pull request.
# make reproduce: make all results anew, and compare them with those committed.
# make predict IMAGES=photo.png: what the best model makes of images; MODEL="cnn mlp" asks others.
# make export: the models for Keras, ONNX and NumPy, each with a model card; MODEL="cnn mlp" for some.
# make study:  what study.yaml asks for: variants and seeds, and which differences are more than noise.
# make try:    a page to draw on, where the trained models answer.
# make test:   set up what is needed, check style, run the tests; make test-long runs the long ones.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
INSTALLED := .venv/.installed
TOOLS := .venv/.tools
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: report verify fresh review reproduce study predict export try summary data comment post test test-long mutants format bench lock clean always

CORES ?= all
WITHOUT_GIT := { git rev-parse --git-dir > /dev/null 2>&1 || \
	echo "DVC needs git: run git init, or dvc config --local core.no_scm true"; exit 1; }
NEEDS_DVC = @test -e dvc.yaml || { echo "make $@ needs DVC's files, and dvc.yaml is missing"; exit 1; }
report: $(INSTALLED)
	@test -e dvc.yaml || test -e workflow || { echo "make report needs dvc.yaml or workflow/"; exit 1; }
	@if [ -e dvc.yaml ]; then python scripts/tool.py check_parameters && \
	{ dvc repro || $(WITHOUT_GIT); }; else snakemake --cores $(CORES); fi
	@echo "The page: $(CURDIR)/reports/comparison.html"

verify: $(INSTALLED)
	@python scripts/tool.py verify

fresh: $(INSTALLED)
	@python scripts/tool.py fresh

# Through the environment: a branch may have a name that a shell would run.
review: override export BASE := $(or $(value BASE),main)
review: override export HEAD := $(value HEAD)
review: $(INSTALLED)
	@python scripts/tool.py review --base="$$BASE" --head="$$HEAD" --test data/processed/test.npz \
		--markdown reports/review.md --html reports/review.html \
		--repository="$$REPOSITORY_URL" --run="$$RUN_URL"
	@echo "The review: $(CURDIR)/reports/review.html, and review.md for the pull request"

study: $(INSTALLED)
	@test -e workflow || { echo "make study needs Snakemake's files, and workflow/ is missing"; exit 1; }
	snakemake --snakefile workflow/study.smk --cores $(CORES)
	@echo "The page: $(CURDIR)/reports/study.html, and study.md beside it"

# Through the environment, as above. FLAGS are those of: python scripts/tool.py predict --help
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

# Everything anew: a cache may hold what others have put there.
reproduce: $(INSTALLED)
	$(NEEDS_DVC)
	dvc repro --force || $(WITHOUT_GIT)
	@python scripts/tool.py reproduced

# For workflows on GitHub: the review on the run's page; the test images; the pull request's comment,
# written and then posted.
summary:
	@cat reports/review.md >> "$$GITHUB_STEP_SUMMARY"

data: $(INSTALLED)
	$(NEEDS_DVC)
	dvc repro preprocess

comment: $(INSTALLED)
	@python scripts/tool.py comment --test data/processed/test.npz

# With nothing installed: here the token may write.
post:
	@$(PYTHON) scripts/tool.py post

test: $(TOOLS)
	ruff format --check || { echo "mend with: make format"; exit 1; }
	ruff check || { echo "mend with: make format"; exit 1; }
	snakefmt --check workflow || { echo "mend with: make format"; exit 1; }
	pytest

test-long: $(TOOLS)
	pytest -m long

# Would the tests notice a bug? All of it takes long; make mutants ARGS=scripts/core/npz.py, for one.
mutants: $(TOOLS)
	python tests/mutants.py $(ARGS)

format: $(TOOLS)
	ruff check --fix
	ruff format
	snakefmt workflow

# All of it takes hours: make bench PARTS=recipes ARGS="'cnn fast' --seeds 2", for one.
PARTS ?= recipes growth cost mnist_page pictures labels
bench: $(TOOLS)
	for part in $(PARTS); do python benchmarks/$$part.py $(ARGS) || exit 1; done

# After a change of the dependencies in pyproject.toml.
COMPILE := uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock"
lock: $(INSTALLED)
	pip install --quiet uv
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --group dev --constraints requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf .venv .snakemake logs data/raw/dataset.npz data/processed models provenance study exports

# By content: a checkout gives requirements.lock a new time, and installs nothing.
$(INSTALLED): always
	@cmp -s requirements.lock $@ || { \
	test ! -L .venv || { echo ".venv is a link, and what it leads to has other packages: unlink it"; \
	exit 1; }; \
	test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed, and none is on PATH; \
	name one with: make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 1; }; \
	$(PYTHON) -m venv --clear .venv && .venv/bin/python -m pip install --quiet \
		--disable-pip-version-check --require-hashes --requirement requirements.lock \
	&& cp requirements.lock $@; }

# What tests, checks and benchmarks need besides.
$(TOOLS): always $(INSTALLED)
	@cmp -s requirements-dev.lock $@ || { .venv/bin/python -m pip install --quiet \
		--disable-pip-version-check --require-hashes --requirement requirements-dev.lock \
	&& cp requirements-dev.lock $@; }
