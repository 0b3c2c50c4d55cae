#!/bin/sh
# Makes ./configure from configure.ac. Run it once after a fresh clone.
set -e
cd "$(dirname "$0")"
mkdir -p m4 build-aux
exec autoreconf --install --force --warnings=all
