# Appends a line to the log. Everybody words it as they like.
log() {
    echo "$(date +%H:%M:%S) $1" >>"$LOG_FILE"
}
