#!/bin/sh
# The benchmark, in one command: installs what is missing (Debian, Ubuntu), builds, measures, prints Markdown.
# Options go to bench.py (--help). NO_INSTALL=1 never installs; NO_BUILD=1 takes the binaries that are there.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
PATH=$PATH:/usr/sbin:/sbin:$HOME/.cargo/bin
export PATH PYTHONDONTWRITEBYTECODE=1

# Nothing to install or build for these.
case " $* " in *" --help "* | *" -h "* | *" --render"*) exec python3 "$here/bench.py" "$@" ;; esac

has() { command -v "$1" >/dev/null 2>&1; }

has_postgres() { [ -n "${PG_BIN:-}" ] || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

missing_packages() {
    has haproxy || echo haproxy
    has pgbouncer || echo pgbouncer
    has python3 || echo python3
    has_postgres || echo postgresql
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# Installs without starting a service and without creating a system database: the bench starts its own.
# A subshell, so that its traps take both switches back whatever happens.
install_packages() (
    no_cluster=/etc/postgresql-common/createcluster.d/zz-lull-bench.conf
    no_start=/usr/sbin/policy-rc.d
    [ ! -e "$no_start" ] || no_start=
    trap 'as_root rm -f "$no_cluster" $no_start' EXIT
    trap 'exit 130' INT TERM
    as_root mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
    if [ -n "$no_start" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$no_start" >/dev/null
        as_root chmod 755 "$no_start"
    fi
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
    # Nor may they start at the next boot.
    for service in haproxy pgbouncer postgresql; do
        case " $* " in *" $service "*) as_root systemctl disable --quiet "$service" 2>/dev/null || : ;; esac
    done
)

say() { echo "bench: $*" >&2; }

can_install() { [ -z "${NO_INSTALL:-}" ] && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; }

missing=$(missing_packages | tr '\n' ' ')
if [ -n "$missing" ]; then
    can_install || { say "please install: $missing"; exit 1; }
    # shellcheck disable=SC2086 # words on purpose
    install_packages $missing >&2
fi
# System calls are counted with perf, or else with strace; without both, that one figure is left out.
for package in linux-perf strace; do
    has perf || has strace || ! can_install || install_packages "$package" >&2 || say "no package $package here"
done
has cargo || [ -n "${NO_BUILD:-}" ] || { say "needs a Rust toolchain (cargo)"; exit 1; }

if [ -z "${NO_BUILD:-}" ]; then
    build="cargo build --release --quiet --locked"
    $build --manifest-path "$here/tools/Cargo.toml" --target-dir "$root/build/bench-tools" >&2
    case " $* " in
        *" --lull "* | *" --lull="*) ;; # another binary was asked for
        *) $build --manifest-path "$root/Cargo.toml" --bin lull >&2 ;;
    esac
fi

exec python3 "$here/bench.py" "$@"
