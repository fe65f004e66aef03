#!/usr/bin/env bash
# What the action `gate` does once the pipeline is installed. Its inputs are environment variables, see action.yml:
# PIPELINE is the command and PIPELINE_LAKE the lake.
set -euo pipefail
if ! [[ "$PROXIES" =~ [^[:space:]] ]]; then
    echo "proxies is blank: nothing would be scored; name one proxy per line" >&2
    exit 1
fi
# shellcheck disable=SC2086 # several arguments
"$PIPELINE" ingest "$BENCHMARK" ${TRUTH:-}
chosen=(--sample "${SAMPLE:-50}")
[ -z "${ARCHITECTURES:-}" ] || chosen=(--only "$ARCHITECTURES")
while IFS= read -r proxy; do
    proxy=${proxy#"${proxy%%[![:space:]]*}"} # without the blanks around it
    proxy=${proxy%"${proxy##*[![:space:]]}"}
    [ -z "$proxy" ] || "$PIPELINE" score "$BENCHMARK" --proxy "$proxy" "${chosen[@]}"
done <<<"$PROXIES"
compared=()
[ -z "${BASELINE:-}" ] || compared=(--against "$BASELINE")
status=0
"$PIPELINE" report --out "${OUT:-reports/latest}" "${compared[@]}" || status=$?
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "${OUT:-reports/latest}/report.md" ]; then
    cat "${OUT:-reports/latest}/report.md" >>"$GITHUB_STEP_SUMMARY"
fi
exit "$status"
