#!/usr/bin/env bash
# Builds the reference pages of the libraries into .build/documentation, one folder a library.
set -euo pipefail
cd "$(dirname "$0")/.."
out=.build/documentation
rm -rf "$out"
mkdir -p "$out"
for target in Tabular Datasets Paillier Lattice PrivateLearning PrivacyReports; do
    # A scratch path of its own, since the plugin is not part of the ordinary package graph.
    TACIT_DOCS=1 swift package --scratch-path .build/docs --allow-writing-to-directory "$out/$target" \
        generate-documentation --target "$target" --output-path "$out/$target" \
        --transform-for-static-hosting --hosting-base-path "$target"
done
echo "open $out/<library>/documentation/<library in lower case>/index.html (through any web server)"
