#!/usr/bin/env bash
# What a real window without a screen needs (Debian, Ubuntu). Installs it for root, else prints how.
set -eu
packages="xvfb xauth libgl1 libegl1 libgl1-mesa-dri libglib2.0-0 libdbus-1-3 libfontconfig1
libxkbcommon-x11-0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0
libxcb-xinerama0 libxcb-shape0 libxcb-cursor0"
if ! command -v dpkg-query >/dev/null; then
    command -v xvfb-run >/dev/null && exit 0
    echo "The tests need xvfb-run and Mesa's OpenGL: install them with your package manager." >&2
    exit 1
fi
missing=""
for package in $packages; do
    # libglib2.0-0 is libglib2.0-0t64 on newer systems
    dpkg-query -W -f '${Status}\n' "$package" "${package}t64" 2>/dev/null \
        | grep -q '^install ok installed$' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -eq 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "The tests need these packages; run this line, then again make test:" >&2
    echo "  sudo apt-get install -y$missing" >&2
    exit 1
fi
