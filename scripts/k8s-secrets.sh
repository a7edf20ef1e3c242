#!/usr/bin/env bash
# Writes, as YAML to standard output, every Secret that the services need, with new random tokens between them:
#
#     scripts/k8s-secrets.sh local | kubectl apply -f -
#     scripts/k8s-secrets.sh production | kubectl apply -f -
#
# local: keys of the sandbox's stand-ins, which open nothing else. production: keys from the environment (below), for mTLS too.
# Each run makes new tokens: apply it to a running system only as docs/deploy.md, "Rotate tokens", says.
set -euo pipefail

mode=${1:?usage: scripts/k8s-secrets.sh local|production}
namespace=kopilka

# What is piped to somebody else must not fall into a terminal's scrollback.
if [ -t 1 ]; then
    echo "k8s-secrets: this prints secrets; send it to kubectl, or to a file: … | kubectl apply -f -" >&2
    exit 1
fi

case $mode in
local)
    TELEGRAM_BOT_TOKEN=7000000001:AAstand-in-of-telegram-in-the-sandbx
    FAL_KEY=sandbox:fal-stand-in
    YOOKASSA_SHOP_ID=506751
    YOOKASSA_SECRET_KEY=test_stand-in-of-yookassa-in-the-sandbox
    ;;
production)
    missing=()
    for name in TELEGRAM_BOT_TOKEN FAL_KEY YOOKASSA_SHOP_ID YOOKASSA_SECRET_KEY \
        PICTURES_ACCESS_KEY_ID PICTURES_SECRET_ACCESS_KEY \
        BACKUPS_ACCESS_KEY_ID BACKUPS_SECRET_ACCESS_KEY BACKUPS_REGION; do
        [ -n "${!name:-}" ] || missing+=("$name")
    done
    if [ ${#missing[@]} -ne 0 ]; then
        echo "k8s-secrets: set these first: ${missing[*]}" >&2
        exit 1
    fi
    ;;
*)
    echo "usage: scripts/k8s-secrets.sh local|production" >&2
    exit 1
    ;;
esac

token() { openssl rand -hex 32; }
sha256_of() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }

# secret NAME: opens a Secret; entry KEY VALUE adds to it. Values go through base64, so none needs quoting.
secret() {
    printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\n  labels:\n    app.kubernetes.io/part-of: kopilka\ntype: Opaque\ndata:\n' \
        "$1" "$namespace"
}
entry() { printf '  %s: %s\n' "$1" "$(printf %s "$2" | base64 -w 0)"; }

# allow NAME ROLE TOKEN: one entry of a callers.toml. In production the certificate has to fit as well as the token.
allow() {
    printf '[[caller]]\nname = "%s"\nrole = "%s"\ntoken_sha256 = "%s"\n' "$1" "$2" "$(sha256_of "$3")"
    if [ "$mode" = production ]; then printf 'san = "%s.%s.svc"\n' "$1" "$namespace"; fi
    printf '\n'
}

gateway_to_billing=$(token)
gateway_to_worker=$(token)
worker_to_billing=$(token)
worker_to_gateway=$(token)
operator_to_billing=$(token)

secret billing-auth
entry callers.toml "$(
    allow bot-gateway gateway "$gateway_to_billing"
    allow image-worker worker "$worker_to_billing"
    allow operator admin "$operator_to_billing"
)"
secret gateway-auth
entry callers.toml "$(allow image-worker worker "$worker_to_gateway")"
secret worker-auth
entry callers.toml "$(allow bot-gateway gateway "$gateway_to_worker")"

secret bot-gateway-tokens
entry billing "$gateway_to_billing"
entry worker "$gateway_to_worker"
secret image-worker-tokens
entry billing "$worker_to_billing"
entry gateway "$worker_to_gateway"
secret operator-tokens
entry billing "$operator_to_billing"

secret telegram
entry bot-token "$TELEGRAM_BOT_TOKEN"
entry webhook-secret "$(token)"
secret fal
entry key "$FAL_KEY"
secret yookassa
entry shop-id "$YOOKASSA_SHOP_ID"
entry secret-key "$YOOKASSA_SECRET_KEY"

[ "$mode" = production ] || exit 0

secret worker-blobs
entry access-key-id "$PICTURES_ACCESS_KEY_ID"
entry secret-access-key "$PICTURES_SECRET_ACCESS_KEY"
secret backups
entry access-key-id "$BACKUPS_ACCESS_KEY_ID"
entry secret-access-key "$BACKUPS_SECRET_ACCESS_KEY"
entry region "$BACKUPS_REGION"
