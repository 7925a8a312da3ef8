#!/usr/bin/env bash
# Installs the C libraries that the build needs, where they are missing: GMP, zlib, SQLite, HDF5 and PostgreSQL's libpq.
set -euo pipefail

have() { # a header, looked for the way the compiler does
    echo "#include <$1>" | "${CC:-cc}" -E -x c - >/dev/null 2>&1 ||
        echo "#include <$1>" | clang -E -x c - >/dev/null 2>&1
}

if have gmp.h && have zlib.h && have sqlite3.h && pkg-config --exists hdf5 libpq 2>/dev/null; then
    exit 0
fi

if [ "$(uname)" = Darwin ]; then
    if ! command -v brew >/dev/null; then
        echo "GMP, HDF5 or libpq is missing. Install Homebrew (https://brew.sh) and run this again, or install gmp, hdf5 and libpq yourself." >&2
        exit 69
    fi
    brew install gmp hdf5 libpq pkgconf
    # Homebrew keeps libpq out of the way unless told otherwise.
    exec brew link --force libpq
fi

if command -v apt-get >/dev/null; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -qq
    exec $as_root apt-get install -y -qq --no-install-recommends libgmp-dev zlib1g-dev libsqlite3-dev libhdf5-dev libpq-dev pkg-config
fi

echo "Please install the development files of GMP, zlib, SQLite, HDF5 and libpq (gmp.h, zlib.h, sqlite3.h, hdf5.h, libpq-fe.h) and pkg-config, then run this again." >&2
exit 69
