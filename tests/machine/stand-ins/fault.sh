#!/usr/bin/env bash
# fault.sh NAME PROGRAM... -- [ARGUMENT...]: runs a program of the machine, unless the test wants trouble with it. Lines of the file
# `faults`, each with a glob over name and arguments: "fail GLOB" and "fail:STATUS GLOB" fail every time; "cut GLOB" cuts the
# power instead of running it and "cut-after GLOB" when it has run, once.
set -uo pipefail
faults=/run/kindling-test/host/faults
line=$1
program=()
shift
while [[ $1 != -- ]]; do
    program+=("$1")
    shift
done
shift
line+=" $*"

cut_power() {
    grep --fixed-strings --line-regexp --invert-match -- "$1" "$faults" >"$faults.rest"
    cat "$faults.rest" >"$faults"
    exec /run/kindling-test/tests/stand-ins/power-cut.sh
}

# Read at once: standard input belongs to the program.
mapfile -t wanted <"$faults"
for fault in "${wanted[@]}"; do
    read -r kind glob <<<"$fault"
    # shellcheck disable=SC2254 # a glob is meant
    case $line in
    $glob)
        case $kind in
        fail) exit 1 ;;
        fail:*) exit "${kind#fail:}" ;;
        cut) cut_power "$kind $glob" ;;
        cut-after)
            "${program[@]}" "$@"
            cut_power "$kind $glob"
            ;;
        esac
        ;;
    esac
done
exec "${program[@]}" "$@"
