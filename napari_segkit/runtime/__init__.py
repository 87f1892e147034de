"""Run networks: torch or OpenVINO behind one small interface, chosen by measuring."""

import sys

# OpenVINO's converter and nncf report their use to a server, by a child process for each event, and
# keep an id in the home folder. Without that package they take their own stub, and nothing is sent.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
