#!/bin/sh
# Orders without a proper amount are left out.
set -eu
here=$(dirname "$0")
found=$(printf 'ada;\ngrace;-1\nlinus;7x\n' | sh "$here/import.sh")
[ -z "$found" ] || { echo "let through: $found"; exit 1; }
