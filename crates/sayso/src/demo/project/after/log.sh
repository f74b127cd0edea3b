# The one way to log: time, level, program and message, always in that order.
log_line() {
    printf '%s %-7s %s: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "${0##*/}" "$2" >>"$LOG_FILE"
}
log_info() { log_line info "$1"; }
log_warning() { log_line warning "$1"; }
