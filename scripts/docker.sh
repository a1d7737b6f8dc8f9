# shellcheck shell=sh
# The Docker engine: used where it is there, else installed and started.

# Asks through Python, because a machine may have an engine without the docker command, or the command without one.
docker_answers() {
    .venv/bin/python scripts/docker_answers.py
}

ensure_docker() {
    if reason=$(docker_answers 2>&1); then
        return
    fi
    if [ -n "${DOCKER_HOST:-}" ]; then
        fail "The Docker engine at DOCKER_HOST=$DOCKER_HOST does not answer: $reason
Start it, correct DOCKER_HOST, or unset it to use one on this machine."
    fi
    case $reason in
    *ermission\ denied*)
        fail "You may not use the Docker engine of this machine. Become a member of its group and log in again:  sudo usermod -aG docker $(id -un)" ;;
    esac
    if [ "$(privilege)" = "no" ]; then
        fail "No Docker engine answers, and without root it cannot be set up. Run, then try again:
  sudo apt-get install -y docker.io && sudo systemctl start docker && sudo usermod -aG docker $(id -un)"
    fi
    register_crun /etc/docker/daemon.json
    command -v dockerd > /dev/null 2>&1 || install_packages "the Docker engine" docker.io iptables
    start_docker
}

# register_crun file: tell the engine of crun, which starts containers faster than runc, before the engine is started.
# runc stays its default. An engine that somebody has configured is left as it is.
register_crun() {
    [ ! -e "$1" ] || return 0
    if ! command -v crun > /dev/null 2>&1 && ! (install_packages "crun, to start containers faster" crun); then
        say "Going on without crun: containers will start with runc."
        return
    fi
    say "Registering crun with the Docker engine ($1) ..."
    as_root mkdir -p "$(dirname "$1")"
    printf '{"runtimes": {"crun": {"path": "%s"}}}\n' "$(command -v crun)" | as_root tee "$1" > /dev/null
}

start_docker() {
    say "Starting the Docker engine ..."
    mkdir -p "$data_dir"
    log=$data_dir/dockerd.log
    if [ -d /run/systemd/system ]; then
        as_root systemctl start docker > "$log" 2>&1 || true
        log_command="journalctl -u docker -n 15 --no-pager"
    else
        mount_cgroups
        mount_left_controllers /sys/fs/cgroup
        # Installing the package may have started it a moment ago; its own pid file keeps two from running.
        if ! wait_for_docker 3; then
            remove_stale_pid_file /var/run/docker.pid
            as_root sh -c "setsid dockerd >> '$log' 2>&1 < /dev/null &"
        fi
        log_command="tail -n 15 $log"
    fi
    if wait_for_docker 60; then
        return
    fi
    $log_command >&2 || true
    fail "The Docker engine was started and does not answer: $(docker_answers 2>&1 || true)
The end of its log is above. Once 'docker info' works, try again."
}

# A daemon that was killed leaves its number behind, and the next one refuses to start where another process has it now.
remove_stale_pid_file() {
    pid=$(cat "$1" 2> /dev/null) || return 0
    if [ "$(cat "/proc/$pid/comm" 2> /dev/null)" != dockerd ]; then
        as_root rm -f "$1"
    fi
}

# wait_for_docker seconds
wait_for_docker() {
    left=$1
    while [ "$left" -gt 0 ]; do
        if docker_answers > /dev/null 2>&1; then
            return 0
        fi
        sleep 1
        left=$((left - 1))
    done
    return 1
}

# Without systemd nobody may have mounted the control groups that containers need.
mount_cgroups() {
    if [ -f /sys/fs/cgroup/cgroup.controllers ] || awk '$3 == "cgroup" { found = 1 } END { exit !found }' /proc/mounts; then
        return
    fi
    say "Mounting the control groups ..."
    if grep -q cgroup2 /proc/filesystems && ! grep -qE '^memory[[:space:]]+[1-9]' /proc/cgroups; then
        as_root mount -t cgroup2 cgroup2 /sys/fs/cgroup || fail "mount -t cgroup2 /sys/fs/cgroup failed; Docker needs it."
        return
    fi
    as_root mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup || fail "Mounting /sys/fs/cgroup failed; Docker needs it."
    # shellcheck disable=SC2046  # A word is a controller.
    mount_controllers /sys/fs/cgroup $(awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups)
}

# A second hierarchy beside the first may have kept controllers that nobody mounted; crun refuses such a mixture.
mount_left_controllers() {
    # shellcheck disable=SC2046  # A word is a controller.
    mount_controllers "$1" $(cat "$1/unified/cgroup.controllers" 2> /dev/null)
}

# mount_controllers directory controller...
mount_controllers() {
    directory=$1
    shift
    for controller in "$@"; do
        as_root mkdir -p "$directory/$controller"
        as_root mount -t cgroup -o "$controller" cgroup "$directory/$controller" ||
            say "The control group $controller cannot be mounted."
    done
}

# What makes the base image of the languages where no registry answers.
ensure_image_maker() {
    if command -v mmdebstrap > /dev/null 2>&1 || command -v debootstrap > /dev/null 2>&1; then
        return
    fi
    if .venv/bin/python scripts/docker_answers.py debian:trixie-slim > /dev/null 2>&1; then
        return
    fi
    if [ "$(privilege)" = "no" ] || ! command -v apt-get > /dev/null 2>&1; then
        say "Neither mmdebstrap nor debootstrap is here: the base image must come from a registry."
        return
    fi
    install_packages "mmdebstrap, which makes the base image" mmdebstrap
}
