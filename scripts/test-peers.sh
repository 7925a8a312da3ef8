#!/usr/bin/env bash
# Other people's software that tests exchange data with, in a Python environment of its own under .build: python-paillier, and
# jsonschema, which checks reports. Where it cannot be had (no Python, no network) the tests that want it are skipped and say so;
# nothing else needs it.
set -uo pipefail
cd "$(dirname "$0")/.."
folder=.build/test-peers
peers="phe==1.5.0 jsonschema==4.26.0"
[ "$(cat $folder/done 2>/dev/null)" = "$peers" ] && exit 0

if python3 -m venv $folder >/dev/null 2>&1 &&
    $folder/bin/python3 -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 15 $peers; then
    echo "$peers" >$folder/done
else
    echo "python-paillier and jsonschema could not be installed: the tests that want them will be skipped" >&2
    rm -rf $folder
fi
