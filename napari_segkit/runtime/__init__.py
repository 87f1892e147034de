"""Run networks: torch or OpenVINO behind one small interface, chosen by measuring."""
