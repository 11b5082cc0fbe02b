# shellcheck shell=bash
# The machine's side of its conversation with the Worker: pair once, then signed calls: reports, one delivery, heartbeats, the
# channel backup. Sourced, never run.
# Every attempt at a signed call takes a new nonce, written down before it is used, so a cut or a retry can never replay one.

MACHINE_KEY=$STATE/machine.key
MACHINE_URL=${KINDLING_URL%/}/api/machine/$ORDER_ID

make_machine_key() {
    [[ -s $MACHINE_KEY ]] || openssl ecparam -name secp256k1 -genkey -noout | write_file "$MACHINE_KEY"
}

# machine_public_key [KEY-FILE]: the 33-byte compressed point ends the DER of a public key.
machine_public_key() {
    openssl ec -in "${1-$MACHINE_KEY}" -pubout -conv_form compressed -outform DER 2>/dev/null |
        tail -c 33 | od -An -v -tx1 | tr -d ' \n'
}

next_nonce() {
    local last=0
    [[ ! -s $STATE/nonce ]] || last=$(<"$STATE/nonce")
    printf '%d\n' $((last + 1)) | write_file "$STATE/nonce"
    printf '%d' $((last + 1))
}

# post PATH BODY-FILE ANSWER-FILE [HEADER...]: prints the HTTP status, 000 when there was no answer.
# Redirects are not followed: the token and the bundle go to the Worker or nowhere.
post() {
    local path=$1 body=$2 answer=$3 headers=(--header 'Content-Type: application/json') header status
    shift 3
    for header; do headers+=(--header "$header"); done
    status=$(curl --silent --output "$answer" --write-out '%{http_code}' --connect-timeout 10 --max-time 60 \
        "${headers[@]}" --data-binary "@$body" "$MACHINE_URL/$path") || true
    printf '%s' "${status:-000}" # one that is killed prints none
}

# numbered NONCE IDENTITY-KEY BODY-FILE: the body with what only the moment of sending knows put first.
numbered() {
    printf '{"nonce":%d,' "$1"
    [[ -z $2 ]] || printf '"identityKey":"%s",' "$2"
    tail --bytes=+2 "$3"
}

# identity_signature FILE: LND's signature by its identity key (family 6 is the node's own), as the Worker checks it.
identity_signature() {
    openssl base64 -A -in "$1" | jq -R '{msg: ., key_loc: {key_family: 6, key_index: 0}}' |
        lnd_admin /v2/signer/signmessage --max-time 10 --request POST --header 'Content-Type: application/json' --data-binary @- 2>/dev/null |
        jq -er '.signature | select(test("^[A-Za-z0-9+/=]+$"))'
}

# post_signed PATH BODY-FILE ANSWER-FILE [IDENTITY-KEY]: prints the HTTP status. BODY is an object that has no nonce yet; the
# next one is put in here. With LND's identity key, LND signs as well; when it cannot, the call goes without it.
# One call at a time: between two that overtake each other the later one's nonce would be refused as too low.
post_signed() (
    flock 8
    sent=$2.sent nonce=$(next_nonce) identity=${4-} headers=()
    numbered "$nonce" "$identity" "$2" | write_file "$sent"
    if [[ -n $identity ]]; then
        if signature=$(identity_signature "$sent"); then
            headers=("X-Kindling-Identity-Signature: $signature")
        else
            numbered "$nonce" '' "$2" | write_file "$sent"
        fi
    fi
    signature=$(openssl dgst -sha256 -sign "$MACHINE_KEY" "$sent" | openssl base64 -A)
    post "$1" "$sent" "$3" "X-Kindling-Signature: $signature" "${headers[@]}"
    rm -f -- "$sent"
) 8>"$STATE/wire.lock"

# Trades the one-shot token for what the machine needs, and binds the machine's key to its order.
pair() {
    local token status pause=1 deadline=$((SECONDS + 1800))
    if [[ -s $STATE/paired ]]; then
        forget_token
        return 0
    fi
    [[ -s $ETC/pair-token ]] || fail "The pairing token is missing; a new pairing must be issued for this machine."
    token=$(<"$ETC/pair-token")
    [[ $token =~ ^[A-Za-z0-9._~+/=-]+$ ]] || fail "The pairing token is damaged."
    printf '{"token":"%s","publicKey":"%s"}' "$token" "$(machine_public_key)" | write_file "$STATE/pair.request"
    while :; do
        status=$(post pair "$STATE/pair.request" "$STATE/pair.answer")
        case $status in
        200) break ;;
        404) fail "The pairing token is not known: the order has ended, or the token has expired." ;;
        409) fail "The pairing token was already used by another key; this machine cannot be trusted with the order." ;;
        000 | 408 | 429 | 5??) log "pairing: no answer yet (status $status), trying again in $pause s" ;;
        *) fail "Pairing was refused with status $status." ;;
        esac
        ((SECONDS < deadline)) || fail "The order service could not be reached for 30 minutes."
        sleep "$pause"
        ((pause = pause < 30 ? pause * 2 : 30))
    done
    # The answer is on the disk before the token goes: after a cut here, the same key simply pairs again.
    sync -- "$STATE/pair.answer"
    mv -- "$STATE/pair.answer" "$STATE/paired"
    sync -- "$STATE"
    forget_token
    log "paired"
}

# The token is spent. cloud-init's copies go before the file, which tells what to look for.
forget_token() {
    [[ -e $ETC/pair-token ]] || return 0
    "$KINDLING/scrub.sh" || fail "The spent pairing token could not be removed from the machine."
    rm -f -- "$ETC/pair-token" "$STATE/pair.request"
}

# report PHASE STATUS [SECONDS [SENTENCE]]: news for the order page. Lost news must not stop a bring-up that goes well,
# so this gives up after some attempts and never fails.
report() {
    local status pause=1 try sentence node=''
    # With every report, so that a machine which fails later is removed from the tailnet, too.
    [[ ! -s $STATE/tailscale-node ]] || node=$(<"$STATE/tailscale-node")
    sentence=$(printf '%s' "${4-}" | tr -cd "A-Za-z0-9 .,:;()/'_+=-" | cut -c 1-200)
    for try in 1 2 3 4 5; do
        printf '{"phase":"%s","status":"%s"%s%s%s}' "$1" "$2" "${3:+,\"seconds\":$3}" \
            "${sentence:+,\"message\":\"$sentence\"}" "${node:+,\"tailscaleNodeId\":\"$node\"}" | write_file "$STATE/report.request"
        status=$(post_signed report "$STATE/report.request" "$STATE/report.answer")
        case $status in
        200) return 0 ;;
        000 | 408 | 409 | 429 | 5??) ;; # 409: the nonce was too low; the next attempt takes a higher one
        *) break ;;
        esac
        ((try == 5)) || sleep "$pause"
        pause=$((pause * 2))
    done
    log "report $1 $2 was not taken (status $status)"
}

# deliver BUNDLE-FILE FACTS-FILE: the sealed bundle and the public facts about it, until acknowledged or finally refused.
deliver() {
    local status pause=1 deadline=$((SECONDS + 1800))
    openssl base64 -A -in "$1" | write_file "$STATE/sealed.base64"
    while :; do
        jq --rawfile sealed "$STATE/sealed.base64" '{sealed: $sealed} + .' "$2" | write_file "$STATE/deliver.request"
        status=$(post_signed deliver "$STATE/deliver.request" "$STATE/deliver.answer")
        case $status in
        200) break ;;
        409) grep -q nonce_not_rising "$STATE/deliver.answer" || fail "Another bundle was already delivered for this order." ;;
        000 | 408 | 429 | 5??) ;;
        *) fail "The delivery of the sealed bundle was refused with status $status." ;;
        esac
        log "delivery: not acknowledged yet (status $status), trying again in $pause s"
        ((SECONDS < deadline)) || fail "The sealed bundle could not be delivered for 30 minutes."
        sleep "$pause"
        ((pause = pause < 60 ? pause * 2 : 60))
    done
    rm -f -- "$STATE/sealed.base64" "$STATE/deliver.request"
}

# heartbeat BODY-FILE [IDENTITY-KEY]: prints in how many seconds the next one is due. When the order ends, as the answer says it, is
# kept in $STATE/ends-at: Unix seconds, no file as long as no answer had it; a class has it from its bring-up on.
heartbeat() {
    local status ends answer=$1.answer
    status=$(post_signed heartbeat "$1" "$answer" "${2-}")
    case $status in
    200)
        if ends=$(jq -e '.endsAt | numbers | floor' "$answer" 2>/dev/null); then printf '%d\n' "$ends" | write_file "$STATE/ends-at"; fi
        jq -r '.nextSeconds | if type == "number" then [[floor, 30] | max, 900] | min else 300 end' "$answer" 2>/dev/null || echo 300
        ;;
    404)
        log "the pairing of this machine is not accepted any more; 'ops.sh pair' makes a new one"
        echo 900
        ;;
    *)
        log "the heartbeat was not taken (status $status)"
        echo 60
        ;;
    esac
}

# pair_again TOKEN-FILE: binds a new key to the order, as when the old one was revoked or is no longer trusted. The old key stands
# until the new one is accepted; a new key whose acceptance got lost on the way is offered again with the same token.
# The nonce goes on rising: to a key that is new any nonce is, and a lower one could be refused.
pair_again() {
    local fresh=$STATE/machine.key.new token status
    token=$(tr -d ' \r\n' <"$1")
    [[ $token =~ ^[A-Za-z0-9._~+/=-]+$ ]] || fail "The pairing token is damaged."
    [[ -s $fresh ]] || openssl ecparam -name secp256k1 -genkey -noout | write_file "$fresh"
    printf '{"token":"%s","publicKey":"%s"}' "$token" "$(machine_public_key "$fresh")" | write_file "$STATE/pair.request"
    status=$(post pair "$STATE/pair.request" "$STATE/pair.answer")
    rm -f -- "$STATE/pair.request" "$STATE/pair.answer"
    case $status in
    200) ;;
    404) fail "The pairing token is not known: it has expired or the order has ended." ;;
    409)
        # The token stands for another key: this one cannot be accepted any more.
        rm -f -- "$fresh"
        fail "The pairing token was already used by another key."
        ;;
    *) fail "The order service did not take the new pairing (status $status); try again." ;;
    esac
    (
        flock 8
        mv -- "$fresh" "$MACHINE_KEY"
    ) 8>"$STATE/wire.lock"
    log "paired again"
}
