# shellcheck shell=sh
# The virtual environment and what is installed in it.

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
        if command -v "$candidate" > /dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
            echo "$candidate"
            return
        fi
    done
}

ensure_venv() {
    # A virtual environment does not survive being moved, or its Python being taken away.
    if [ -x .venv/bin/python ] && [ "$(cat .venv/.made-in 2> /dev/null)" = "$(pwd -P)" ]; then
        return
    fi
    python=$(find_python)
    if [ -z "$python" ]; then
        if command -v python3 > /dev/null 2>&1; then
            fail "Python 3.11 or newer is needed, and this is $(python3 --version 2>&1). Install one (Debian 12 and Ubuntu 24.04 bring it) and name it: PYTHON=/path/to/python3.11 make run"
        fi
        install_packages "Python" python3 python3-venv
        python=$(find_python)
        [ -n "$python" ] || fail "Python 3.11 or newer is needed, and apt's is $(python3 --version 2>&1). Install one and name it: PYTHON=/path/to/python3.11 make run"
    fi
    if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        install_packages "Python's venv module" "python$version-venv"
    fi
    say "Making the virtual environment .venv ..."
    rm -rf .venv
    "$python" -m venv .venv || fail "python -m venv failed; see above."
    pwd -P > .venv/.made-in
}

# ensure_requirements file: installs what it names when it, or a file that it includes, has changed.
ensure_requirements() {
    stamp=.venv/.installed-$1
    wanted=$(cat requirements.txt requirements-dev.txt | cksum)
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    say "Installing the Python packages of $1 ..."
    .venv/bin/python -m pip install --disable-pip-version-check -qq --progress-bar off -r "$1" ||
        fail "pip could not install $1; see above. Is the package index reached (pip config list)?"
    echo "$wanted" > "$stamp"
}

# A browser for the tests of pages; without one and without root, those tests say so and are skipped.
ensure_browser() {
    if command -v chromium > /dev/null 2>&1 || [ "$(privilege)" = "no" ] || ! command -v apt-get > /dev/null 2>&1; then
        return
    fi
    install_packages "a browser for the tests" chromium
}

# What checks alert rules and metrics, out of Debian's package of Prometheus, whose server is neither installed nor
# started; without it that test says so and is skipped.
ensure_promtool() {
    ensure_out_of prometheus promtool "the test of docs/alerts.yml is skipped"
}

# A registry of images, which the tests of hosts start for themselves.
ensure_registry() {
    ensure_out_of docker-registry docker-registry "the test that hosts fetch images is skipped"
}

# ensure_out_of package program without: the program out of Debian's package, which is not installed.
ensure_out_of() {
    if command -v "$2" > /dev/null 2>&1 || [ -x ".venv/bin/$2" ] || ! command -v dpkg-deb > /dev/null 2>&1; then
        return
    fi
    say "Fetching $2 for the tests ..."
    fetched=$(mktemp -d)
    if (cd "$fetched" && { apt-get -qq download "$1" || { as_root apt-get -qq update && apt-get -qq download "$1"; }; }) \
        > /dev/null 2>&1 && dpkg-deb -x "$fetched/$1"_*.deb "$fetched/out"; then
        install -m 755 "$fetched/out/usr/bin/$2" ".venv/bin/$2"
    else
        say "It cannot be had: $3."
    fi
    rm -rf "$fetched"
}

# Compose, for the tests of compose.yaml, which takes 2.24 or newer: what is there, else the program out of the
# package of Debian trixie, which runs on older ones as well; without it those tests say so and are skipped.
ensure_compose() {
    if [ -x .venv/bin/docker-compose ] || compose_suffices docker compose || compose_suffices docker-compose ||
        ! command -v dpkg-deb > /dev/null 2>&1; then
        return
    fi
    say "Fetching Compose for the tests ..."
    # shellcheck disable=SC2016  # apt's own.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2> /dev/null | head -n 1)
    fetched=$(mktemp -d)
    if [ -n "$mirror" ] && (cd "$fetched" && fetch_of_trixie "$mirror" docker-compose) > /dev/null 2>&1 &&
        dpkg-deb -x "$fetched"/docker-compose_*.deb "$fetched/compose"; then
        install -m 755 "$fetched/compose/usr/libexec/docker/cli-plugins/docker-compose" .venv/bin/docker-compose
    else
        say "It cannot be had: the tests that bring compose.yaml up are skipped."
    fi
    rm -rf "$fetched"
}

# compose_suffices command...
compose_suffices() {
    version=$("$@" version --short 2> /dev/null) || return 1
    [ "$(printf '%s\n' 2.24 "${version#v}" | sort -V | head -n 1)" = 2.24 ]
}

# fetch_of_trixie mirror package: into the current directory, where apt has lists of its own meanwhile.
fetch_of_trixie() {
    mkdir -p lists/partial cache/archives/partial
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1 trixie main" > sources.list
    for step in update "download $2"; do
        # shellcheck disable=SC2086  # A word is an argument.
        apt-get -qq -o "Dir::Etc::SourceList=$PWD/sources.list" -o Dir::Etc::SourceParts=/dev/null \
            -o "Dir::State::Lists=$PWD/lists" -o "Dir::Cache=$PWD/cache" $step || return 1
    done
}
