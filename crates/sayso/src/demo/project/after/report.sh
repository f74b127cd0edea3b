#!/bin/sh
# Adds up the orders of each customer.
: "${LOG_FILE:=/dev/null}"
. "$(dirname "$0")/log.sh"

log_info "started"
awk -F';' '{ sum[$1] += $2 } END { for (name in sum) print name ": " sum[name] }' | sort
log_info "done"
