#!/usr/bin/env bash
# Other people's software that tests exchange data with, in a Python environment of its own under .build: python-paillier.
# Where it cannot be had (no Python, no network) the tests that want it are skipped and say so; nothing else needs it.
set -uo pipefail
cd "$(dirname "$0")/.."
folder=.build/test-peers
[ -x $folder/done ] && exit 0

if python3 -m venv $folder >/dev/null 2>&1 &&
    $folder/bin/python3 -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 15 phe==1.5.0; then
    install -m 755 /dev/null $folder/done
else
    echo "python-paillier could not be installed: the tests of the exchange with it will be skipped" >&2
    rm -rf $folder
fi
