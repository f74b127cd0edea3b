#!/bin/sh
# Adds up the orders of each customer.
: "${LOG_FILE:=/dev/null}"

echo "report: starting" >>"$LOG_FILE"
awk -F';' '{ sum[$1] += $2 } END { for (name in sum) print name ": " sum[name] }' | sort
echo "report done at $(date)" >>"$LOG_FILE"
