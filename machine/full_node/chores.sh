# shellcheck shell=bash
# What the machine does for its owner from time to time. Sourced after lib.sh and wire.sh, never run.

send_backup() {
    [[ $(post_signed backup "$STATE/backup.request" "$STATE/backup.answer") == 200 ]]
}

# Sends the channel backup, sealed to the owner, to be kept under the order link.
upload_backup() {
    age --encrypt --recipients-file "$ETC/recipients" <"$DATA/lnd/data/chain/bitcoin/$NETWORK/channel.backup" |
        openssl base64 -A | jq -R --argjson nonce "$(next_nonce)" '{nonce: $nonce, sealed: .}' | write_file "$STATE/backup.request"
    send_backup
}

erase_backup() {
    printf '{"nonce":%d,"sealed":null}' "$(next_nonce)" | write_file "$STATE/backup.request"
    send_backup
}
