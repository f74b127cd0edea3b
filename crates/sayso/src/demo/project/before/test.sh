#!/bin/sh
# What comes out must stay what it is, however the inside changes.
set -eu
here=$(dirname "$0")
expected='ada: 12
grace: 30'
found=$(printf 'ada;5\ngrace;30\nada;7\nlinus;lots\n' | sh "$here/import.sh" | sh "$here/report.sh")
[ "$found" = "$expected" ] || { echo "expected: $expected"; echo "found: $found"; exit 1; }
