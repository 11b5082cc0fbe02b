# shellcheck shell=bash
# ops.sh cards: what each participant gets. Sourced by ops.sh.

summarise cards 'the link of each participant, to hand out'

help_cards() {
    cat <<'HELP'
ops.sh cards [NAME]

Prints for each node, or for the one of that name, what its participant gets: the link that connects, the link that adds it to a
wallet, and the rune. Whoever has a card can spend what the node has; the class and its cards end together.
HELP
}

run_cards() {
    (($# <= 1)) || misuse cards "cards takes one name or nothing."
    [[ -s $SECRETS/cards.json ]] || die "The cards are not made yet; see: ops.sh logs bringup"
    jq -er --arg name "${1-}" '[.[] | select($name == "" or .name == $name)] | if length == 0 then empty else .[] |
        "\(.name)", "  connect  \(.connect)", "  wallet   \(.wallet)", "  rune     \(.rune)", "" end' "$SECRETS/cards.json" ||
        misuse cards "There is no node \"${1-}\"."
}
