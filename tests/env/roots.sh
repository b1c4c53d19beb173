# Private roots: packages of Debian with all their libraries, unpacked under build/ and run by the loader that came along.
#
# Guarantees: touches nothing of the machine (its package lists, its packages, its users), needs no root, and takes the mirror
# from the machine's own apt sources. Sourced by install.sh, whose say, fail and quietly it uses.
# shellcheck shell=bash

# The machine's own release, or Debian's unstable suite from the same mirror.
private_apt() { # unstable|distribution COMMAND ARGUMENT...
    local which=$1 home=$build/apt-$1 options=()
    shift
    mkdir -p "$home/state/lists/partial" "$home/cache/archives/partial" "$home/parts"
    : >"$home/status" # nothing is installed: apt then names everything that is needed, down to the loader
    cat >"$home/apt.conf" <<'CONF'
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear Acquire::IndexTargets::deb::DEP-11;
CONF
    options=(-c "$home/apt.conf" -o "Dir::State=$home/state" -o "Dir::State::status=$home/status" \
        -o "Dir::Cache=$home/cache" -o "APT::Sandbox::User=" -o "APT::Install-Recommends=false")
    if [ "$which" = unstable ]; then
        unstable_source >"$home/unstable.sources"
        options+=(-o "Dir::Etc::sourcelist=$home/unstable.sources" -o "Dir::Etc::sourceparts=$home/parts" \
            -o "Dir::Etc::preferences=$home/none" -o "Dir::Etc::preferencesparts=$home/parts")
    fi
    "$@" "${options[@]}"
}

unstable_source() {
    local codename mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    # shellcheck disable=SC1091
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(SITE)' 'Created-By: Packages' \
        | sed -n "s/^$codename main //p" | head -n 1)
    [ -n "$mirror" ] || fail "the apt sources of this machine name no mirror for $codename main"
    printf 'Types: deb\nURIs: %s\nSuites: unstable\nComponents: main\n' "$mirror"
    [ ! -r "$keyring" ] || printf 'Signed-By: %s\n' "$keyring"
}

# Unpacks packages with everything that they depend on, then packages without: those whose dependencies only serve an
# installation.
unpack_root() { # DIRECTORY unstable|distribution "PACKAGE..." "PACKAGE WITHOUT DEPENDENCIES..."
    local root=$1 which=$2 archives deb
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null \
        || fail "missing: apt-get and dpkg-deb, with which $3 would be brought"
    say "$3${4:+ $4}"
    archives=$build/apt-$which/cache/archives
    rm -rf "$archives" "$root" "$root.new"
    quietly private_apt "$which" apt-get -qq update
    # shellcheck disable=SC2086
    quietly private_apt "$which" apt-get -qq -y --download-only install $3
    # shellcheck disable=SC2086
    [ -z "$4" ] || (cd "$archives" && quietly private_apt "$which" apt-get -qq download $4)
    mkdir -p "$root.new"
    # Where / and /usr are one, packages may still name /lib, which must lead to the same place.
    for directory in bin sbin lib lib64; do
        mkdir -p "$root.new/usr/$directory"
        ln -s "usr/$directory" "$root.new/$directory"
    done
    for deb in "$archives"/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root.new" --keep-directory-symlink --no-same-owner \
            --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
            --exclude='./usr/share/zoneinfo/*' --exclude='./etc/*' --exclude='./var/*'
    done >>"$log" 2>&1 || fail "could not unpack the packages in $archives; see $log"
    rm -rf "$build/apt-$which"
    chmod -R u+w,go+rX "$root.new"
    mv "$root.new" "$root"
}

# A program of a private root, callable by itself: `exec` keeps the process id, so that signals reach the program.
private_program() { # ROOT PROGRAM NAME ARGUMENT...
    local root=$1 program=$2 name=$3 loader libraries
    shift 3
    loader=$(find "$root/usr/lib" "$root/usr/lib64" -name 'ld-linux*.so.*' 2>/dev/null | sort | head -n 1)
    [ -n "$loader" ] || fail "$root holds no loader"
    [ -x "$root$program" ] || fail "$root holds no $program"
    libraries=$(find "$root/usr/lib" -maxdepth 2 -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
    mkdir -p "$root/run"
    {
        printf '#!/bin/sh\nexec %q --library-path %q --argv0 %q %q' "$loader" "$libraries" "$name" "$root$program"
        [ $# = 0 ] || printf ' %q' "$@"
        printf ' "$@"\n'
    } >"$root/run/$name.new"
    chmod 755 "$root/run/$name.new"
    mv "$root/run/$name.new" "$root/run/$name"
}
