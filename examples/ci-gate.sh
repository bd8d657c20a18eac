#!/usr/bin/env bash
# Waits in a pipeline until SesIdentities can send: apply the manifests first, then call this, then deploy the application that sends.
#
#   ci-gate.sh NAMESPACE NAME...          TIMEOUT=30m by default, in kubectl's format of durations
#
# Exit status: 0  every one is Ready, in all of its regions
#              1  one is Stalled: only a change of its spec, or of a policy, can help. Reported at once, not at the timeout
#              2  not Ready in time, or it cannot be read; reports what it waits for. Another run may succeed
#
# Writes what is missing to standard error. Needs kubectl, bash 4.3, and the rights to get, list and watch sesidentities.
set -uo pipefail

if (($# < 2)); then
  echo "usage: [TIMEOUT=30m] $0 NAMESPACE NAME..." >&2
  exit 2
fi
namespace=$1
shift
timeout=${TIMEOUT:-30m}
ended=$(mktemp -d) # the exit status of each that has ended, by its name
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$ended"' EXIT

wait_for() { # CONDITION NAME
  exec kubectl wait "--for=condition=$1" "sesidentity/$2" "--namespace=$namespace" "--timeout=$timeout" >/dev/null 2>&1
}

tell() { # NAME: why it is not Ready, as its status says
  local ready='.status.conditions[?(@.type=="Ready")]'
  kubectl get sesidentity "$1" "--namespace=$namespace" \
    --output="jsonpath={.metadata.name}: {${ready}.reason}: {${ready}.message}{\"\\n\"}" >&2
}

gate() { # NAME: until it is Ready or Stalled, whichever comes first
  local ready stalled
  wait_for Ready "$1" & ready=$!
  wait_for Stalled "$1" & stalled=$!
  trap 'kill $(jobs -p) 2>/dev/null' EXIT
  wait -n "$ready" "$stalled"
  if kill -0 "$ready" 2>/dev/null && wait "$stalled"; then
    tell "$1"
    return 1
  fi
  wait "$ready" && return 0
  tell "$1"
  return 2
}

for name in "$@"; do
  (
    gate "$name"
    echo $? >"$ended/$name"
  ) &
done
for _ in "$@"; do
  wait -n
  for status in $(cat "$ended"/* 2>/dev/null); do
    ((status == 0)) || exit "$status"
  done
done
echo "ready: $*"
