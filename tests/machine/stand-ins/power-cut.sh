#!/usr/bin/env bash
# Cuts the machine's power: every process but the first ends at once, wherever it is. The first then boots again (inside.sh).
touch /run/kindling-test/power-cut
kill -KILL -1
