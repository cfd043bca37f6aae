# Sourced by ./danqing and ./test: makes .venv beside them, once, and again when what it is made
# from has changed. A set-up that was killed is done afresh.
#
# Wants: Python 3.11 or later with its venv module, and a network to the package index.

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# find_python: print the first Python that is new enough.
find_python() {
    for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    die "danqing needs Python 3.11 or later; install it, or set PYTHON to where it is."
}

# step WORDS COMMAND...: run a command quietly, showing the last line of what it says.
step() {
    words=$1
    shift
    "$@" >"$venv.log" 2>&1 &
    job=$!
    trap 'kill "$job" 2>/dev/null; say; exit 130' INT TERM
    while kill -0 "$job" 2>/dev/null; do
        [ -t 2 ] && printf '\r\033[K%s  %.60s' "$words" "$(tail -n 1 "$venv.log")" >&2
        sleep 0.2 2>/dev/null || sleep 1
    done
    [ -t 2 ] && printf '\r\033[K' >&2
    if ! wait "$job"; then
        tail -n 20 "$venv.log" >&2
        die "$words: failed; mend what is said above and run this again."
    fi
    trap - INT TERM
    say "$words  done"
}

# pip_install ARGUMENTS...: to be run by step; exec, so that stopping the step stops pip.
pip_install() {
    exec "$venv/bin/python" -m pip install --disable-pip-version-check \
        --constraint constraints.txt "$@"
}

# set_up KIND REQUIREMENT: make sure that $venv has REQUIREMENT installed from this folder.
# KIND is app or dev; dev includes app.
set_up() {
    kind=$1
    requirement=$2
    wanted=$(cat pyproject.toml constraints.txt tools/setup.sh | cksum)" $PWD"
    for stamp in "$venv/ready-$kind" "$venv/ready-dev"; do
        [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && "$venv/bin/python" -c '' 2>/dev/null && return
    done

    # Two set-ups at once would spoil each other's work: the second waits for the first.
    if [ -f "$venv.pid" ] && kill -0 "$(cat "$venv.pid")" 2>/dev/null; then
        say "Another set-up is at work; waiting for it."
        while kill -0 "$(cat "$venv.pid" 2>/dev/null)" 2>/dev/null; do sleep 1; done
        set_up "$kind" "$requirement"
        return
    fi
    # A number left behind means that the last set-up was killed half-way.
    if [ -f "$venv.pid" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then rm -rf "$venv"; fi
    echo $$ >"$venv.pid"

    say "Setting up in $venv (once; several minutes, most of it PyTorch)"
    if [ ! -d "$venv" ]; then
        python=$(find_python) || exit 1
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            die "danqing needs Python's venv module; on Debian or Ubuntu: apt install python3-venv"
        step "1/3 environment" "$python" -m venv "$venv"
    else
        rm -f "$venv"/ready-*
    fi
    # PyTorch comes first and alone, so that a build for this machine is kept by what follows.
    step "2/3 PyTorch    " pip_install torch
    step "3/3 danqing    " pip_install --editable "$requirement"
    echo "$wanted" >"$venv/ready-$kind"
    rm -f "$venv.pid" "$venv.log"
}

venv=$PWD/.venv
