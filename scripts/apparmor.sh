# shellcheck shell=sh
# What AppArmor lets the sandboxes do, where the kernel has it.

# ensure_apparmor_profile modules directory: where the kernel confines by AppArmor, tell it what sandboxes may do, at
# once and, by the file in the directory, at every boot. Docker's own profile would leave sandboxes less closed off.
ensure_apparmor_profile() {
    source=sandbox/apparmor/gexec
    [ "$(cat "$1/apparmor/parameters/enabled" 2> /dev/null)" = Y ] || return 0
    if [ -n "${DOCKER_HOST:-}" ] || cmp -s "$source" "$2/gexec"; then
        return 0
    fi
    say "Loading the AppArmor profile of the sandboxes ($2/gexec) ..."
    if ! as_root install -m 644 "$source" "$2/gexec" || ! as_root apparmor_parser --replace --write-cache "$2/gexec"; then
        as_root rm -f "$2/gexec" || true
        say "Going on without it: sandboxes are closed off less (docs/security.md). As root, it is done by:
  install -m 644 $source $2/gexec && apparmor_parser --replace --write-cache $2/gexec"
    fi
}
