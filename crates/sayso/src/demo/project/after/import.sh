#!/bin/sh
# Reads orders (customer;amount) and passes the good ones on.
: "${LOG_FILE:=/dev/null}"
. "$(dirname "$0")/log.sh"

while IFS=';' read -r customer amount; do
    case $amount in
        '' | *[!0-9]*) log_warning "bad amount from $customer" ;;
        *)
            echo "$customer;$amount"
            log_info "imported $customer"
            ;;
    esac
done
