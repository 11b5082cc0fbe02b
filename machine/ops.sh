#!/usr/bin/env bash
# The owner's tool on the machine. This file reads the command line; what a command does is in ops/NAME.sh, or in the product's own
# folder; which commands there are, and what is the product's own in them, is in its ops/about.sh.
# Exit codes: 0 done, 1 not done (and a sentence why), 2 the command line was not understood (and how it goes).
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source=ops/common.sh
. "$here/ops/common.sh"
# /etc/kindling/config, which names the product, is root's alone; the help is for everyone.
product=full_node
[[ ! -e /etc/kindling/class.json ]] || product=classroom
# shellcheck source=full_node/ops/about.sh
. "$here/$product/ops/about.sh"
for command in "${COMMANDS[@]}"; do
    if [[ -e $here/ops/$command.sh ]]; then
        # shellcheck source=/dev/null
        . "$here/ops/$command.sh"
    else
        # shellcheck source=/dev/null
        . "$here/$product/ops/$command.sh"
    fi
done

usage() {
    local command
    printf 'ops.sh: look after this Bitcoin machine (run it as root)\n\n'
    for command in "${COMMANDS[@]}"; do
        printf '  %-16s %s\n' "$command" "${SUMMARY[$command]}"
    done
    cat <<'HELP'
  help             this text; ops.sh help COMMAND says more about one command

HELP
    about
}

is_command() { [[ -n ${1-} && -n ${SUMMARY[$1]-} ]]; }

command=${1-help}
case $command in
help | --help | -h)
    if (($# < 2)); then
        usage
    elif is_command "$2" && (($# == 2)); then
        "help_${2//-/_}"
    else
        printf 'There is no help on "%s". The commands are: %s.\n' "${*:2}" "${COMMANDS[*]}" >&2
        exit 2
    fi
    exit 0
    ;;
esac
if [[ -n ${NOT_HERE[$command]-} ]]; then
    printf '%s\n' "${NOT_HERE[$command]}" >&2
    exit 1
fi
if ! is_command "$command"; then
    printf '"%s" is not a command of ops.sh.\n\n' "$command" >&2
    usage >&2
    exit 2
fi
if [[ ${2-} == --help || ${2-} == -h ]]; then
    "help_${command//-/_}"
    exit 0
fi
if ((EUID != 0)); then
    printf 'ops.sh %s needs root: sudo ops.sh %s\n' "$command" "$*" >&2
    exit 1
fi
# shellcheck source=lib.sh
. "$here/lib.sh"
"run_${command//-/_}" "${@:2}"
