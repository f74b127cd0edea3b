#!/bin/sh
# Reads orders (customer;amount) and passes the good ones on.
: "${LOG_FILE:=/dev/null}"
. "$(dirname "$0")/log.sh"

while IFS=';' read -r customer amount; do
    case $amount in
        '' | *[!0-9]*) echo "!!! WARNING bad amount: $customer" >>"$LOG_FILE" ;;
        *)
            echo "$customer;$amount"
            log "imported $customer"
            ;;
    esac
done
