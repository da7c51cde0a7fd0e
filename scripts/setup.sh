#!/bin/sh
# Sets up what is missing: system libraries and fonts, .venv, the pinned packages, the project.
# Does nothing, and needs no network, when all is there. With --test: what the tests need too.
# Each step leaves its mark only when it is finished, so that a broken-off set-up is taken up again.
set -eu
cd "$(dirname "$0")/.."

# 3.14 is the newest for which every pinned package has a wheel.
is_usable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null
}

find_python() {
    for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if is_usable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11 to 3.14 is needed; python3 here is: $(python3 --version 2>&1)" >&2
    echo "Debian 12 and Ubuntu 24.04 have one as python3; on macOS: brew install python@3.13" >&2
    echo "One that is not on the PATH can be named: make PYTHON=/path/to/python3.13" >&2
    return 1
}

pip_install() {
    .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --no-deps "$@"
}

digest() { # of all that decides what a lock file installs
    cat "$1" pyproject.toml scripts/setup.sh | cksum
}

# Whether .venv already is what the lock file says.
is_installed() {
    [ "$(cat ".venv/$1.installed" 2>/dev/null)" = "$(digest "$1")" ]
}

mark_installed() {
    digest "$1" >".venv/$1.installed"
}

python=$(find_python)

# A system upgrade can take away the interpreter that .venv points to.
if [ -e .venv ] && ! is_usable .venv/bin/python; then
    rm -rf .venv
fi

"$python" scripts/system.py "$@"

if ! is_installed requirements.lock; then
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        echo "Creating .venv ($("$python" --version))"
        "$python" -m venv --clear .venv
    fi
    echo "Installing requirements.lock"
    pip_install --only-binary :all: --require-hashes -r requirements.lock
    pip_install --no-build-isolation --editable .
    mark_installed requirements.lock
fi

if [ "${1:-}" = --test ] && ! is_installed requirements-test.lock; then
    echo "Installing requirements-test.lock"
    pip_install --only-binary :all: --require-hashes -r requirements-test.lock
    mark_installed requirements-test.lock
fi

# npm ci begins by removing the folder, and the mark with it.
node_lock=tests/node/package-lock.json
node_mark=tests/node/node_modules/.installed
if [ "${1:-}" = --test ] && ! cmp -s "$node_lock" "$node_mark"; then
    echo "Installing $node_lock"
    npm --prefix tests/node --loglevel=error ci >/dev/null
    cp "$node_lock" "$node_mark"
fi
