#!/usr/bin/env bash
# Makes the page of the HTML reports, python/fastprof/assets/report.html, from web/.
# Without Node.js, and without root to install it, it is left out and that is said.
set -euo pipefail
cd "$(dirname "$0")/.."

page=python/fastprof/assets/report.html
if ! tools/packages.sh node; then
    echo "fastprof is built without HTML reports." >&2
    exit 0
fi
# Packages are fetched once for each list of them.
if ! cmp -s web/package-lock.json web/node_modules/stamp; then
    echo "Fetching the packages of web/package-lock.json"
    npm ci --prefix web --no-audit --no-fund --silent
    cp web/package-lock.json web/node_modules/stamp
fi
node web/build.mjs "$page"
echo "Made $page"
