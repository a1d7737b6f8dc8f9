# shellcheck shell=sh
# Shared by the set-up scripts: progress, errors, and packages of the system.

say() {
    printf 'gexec: %s\n' "$*" >&2
}

fail() {
    printf 'gexec: %s\n' "$*" >&2
    exit 1
}

# Becomes "" for root, "sudo" where it works without asking or somebody is there to ask, else "no".
privilege() {
    if [ "$(id -u)" -eq 0 ]; then
        echo ""
    elif command -v sudo > /dev/null 2>&1 && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
        echo "sudo"
    else
        echo "no"
    fi
}

as_root() {
    how=$(privilege)
    [ "$how" != "no" ] || return 1
    $how "$@"
}

# install_packages "what for" package...: with apt, or an error with the command to run.
install_packages() {
    reason=$1
    shift
    if ! command -v apt-get > /dev/null 2>&1; then
        fail "$reason is missing, and this is not Debian or Ubuntu (no apt-get). Install what gives you: $*"
    fi
    if [ "$(privilege)" = "no" ]; then
        fail "$reason is missing. Install it, then try again:  sudo apt-get install -y $*"
    fi
    say "Installing $reason ($*) ..."
    log=$(mktemp)
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" > "$log" 2>&1; then
        # The lists of packages may be missing or old.
        say "Reading the lists of packages ..."
        as_root apt-get update > "$log" 2>&1 || { tail -n 5 "$log" >&2; rm -f "$log"; fail "apt-get update failed; see above."; }
        if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" > "$log" 2>&1; then
            tail -n 15 "$log" >&2
            rm -f "$log"
            fail "apt-get install $* failed; see above."
        fi
    fi
    rm -f "$log"
}

# ensure_tool command package
ensure_tool() {
    command -v "$1" > /dev/null 2>&1 || install_packages "$1" "$2"
}

# needs_free_disk directory megabytes
needs_free_disk() {
    free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
    if [ "$free" -lt "$2" ]; then
        fail "Only $free MB are free on the disk of $1, and $2 are needed. Free some space (docker system df shows what Docker uses)."
    fi
}
