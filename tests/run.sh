#!/usr/bin/env bash
# Runs every test, or only some: what is given goes to `deno test` as it is.
#
#   tests/run.sh [FILE | FOLDER | FLAG]...
#
# The tests with real MQTT clients need some Debian packages, which are installed where that is
# possible. Where it is not, those tests are ignored; with CI=true in the environment they fail.
#
# The last line tells how many tests passed and failed, the exit code is that of `deno test`.
set -euo pipefail
cd "$(dirname "$0")/.."

# Where Debian keeps servers, which is not in everyone's path.
PATH="$PATH:/usr/sbin"

# Prints the packages whose programs are missing.
missing_packages() {
  command -v mosquitto >/dev/null && command -v mosquitto_ctrl >/dev/null || echo mosquitto
  command -v mosquitto_sub >/dev/null || echo mosquitto-clients
  command -v openssl >/dev/null || echo openssl
  command -v chromium >/dev/null || echo chromium
  command -v node >/dev/null || echo nodejs
  command -v prometheus >/dev/null || echo prometheus
  # Debian's own Python: another one in the path would not find Debian's packages.
  /usr/bin/python3 -c "import paho.mqtt" 2>/dev/null || echo python3-paho-mqtt
}

install_packages() {
  [[ "$EUID" -eq 0 ]] && command -v apt-get >/dev/null || return 1
  export DEBIAN_FRONTEND=noninteractive
  echo "Installing $*"
  apt-get update -qq && apt-get install -qq --no-install-recommends "$@" >/dev/null
}

# Prints "N passed, N failed" for the report of all runs, of which one had the exit code given.
count() {
  local report="$1" status="$2" passed=0 failed=0
  local summary='^(ok|FAILED) \| ([0-9]+) passed.* \| ([0-9]+) failed'
  while read -r line; do
    if [[ "$line" =~ $summary ]]; then
      passed=$((passed + BASH_REMATCH[2]))
      failed=$((failed + BASH_REMATCH[3]))
    fi
  done <"$report"
  # What never came to run, as code that does not compile, has failed too.
  if [[ "$status" -ne 0 && "$failed" -eq 0 ]]; then failed=1; fi
  echo "$passed passed, $failed failed"
}

# Node 24 and Bun run the client too. Debian has neither, npm has both; they stay in the user's cache.
install_runtimes() {
  local folder="${XDG_CACHE_HOME:-$HOME/.cache}/fairway-tests"
  [[ -x "$folder/node_modules/.bin/node" && -x "$folder/node_modules/.bin/bun" ]] && return
  command -v npm >/dev/null || return 1
  echo "Installing Node 24 and Bun in $folder"
  npm install --prefix "$folder" --no-audit --no-fund --loglevel=error node@24 bun@1 >/dev/null
}

# Node-RED, headless: a client that people have. Nothing of it needs to be compiled.
install_node_red() {
  local folder="${XDG_CACHE_HOME:-$HOME/.cache}/fairway-tests/node-red"
  [[ -f "$folder/node_modules/node-red/red.js" ]] && return
  command -v npm >/dev/null || return 1
  echo "Installing Node-RED in $folder (a minute, once)"
  npm install --prefix "$folder" --no-audit --no-fund --loglevel=error \
    --omit=optional --ignore-scripts node-red@5.0.7 >/dev/null
}

mapfile -t missing < <(missing_packages)
if [[ "${#missing[@]}" -gt 0 ]] && ! install_packages "${missing[@]}"; then
  echo "Cannot install ${missing[*]} (that takes root and Debian's apt-get):"
  if [[ "${CI:-}" == true ]]; then
    echo "tests that need them fail, for CI is true"
  else
    echo "tests that need them are ignored"
  fi
fi
if ! install_runtimes; then
  echo "Cannot install Node 24 and Bun (that takes npm): their tests are ignored, or fail if CI is true"
fi
if ! install_node_red; then
  echo "Cannot install Node-RED (that takes npm): its test is ignored, or fails if CI is true"
fi

# A test that never ends fails: no pass takes a quarter of this limit. macOS has no such command.
within_limit=()
if command -v timeout >/dev/null; then within_limit=(timeout --foreground --kill-after=10 1500); fi
run_pass() {
  NO_COLOR=1 "${within_limit[@]}" deno test --parallel --allow-all "$@" 2>&1
}

report="$(mktemp)"
trap 'rm -f "$report"' EXIT
status=0
run_pass --doc "$@" | tee "$report" || status=$?
# Once more over native sockets, where there are any. Joined brokers and workers have no others, so
# most of the tests with sockets are in their passes.
if [[ $# -eq 0 && "$(uname -sm)" =~ ^Linux\ (x86_64|aarch64)$ ]]; then
  # What measures memory is not for joined brokers: two of them in one thread take more. Nor is what
  # counts connections before their CONNECT: there only pendingHandshakesMax limits them.
  alone="/(documented|large_payload|memory|published_attacks|slow_sender|stalled_subscriber)_test"
  mapfile -t hostile < <(find tests/limits tests/resilience -name "*_test.ts" | sort)
  mapfile -t hostile_alone < <(printf "%s\n" "${hostile[@]}" | grep -E "$alone")
  mapfile -t hostile_joined < <(printf "%s\n" "${hostile[@]}" | grep -Ev "$alone")
  echo "Over native sockets"
  run_pass --no-check --preload tests/harness/native_sockets.ts \
    tests/listeners tests/transports "${hostile_alone[@]}" |
    tee -a "$report" || status=$?
  # Two nodes are one broker for every statement of the standards, and for every client that is
  # slow, hostile or too much.
  echo "With two joined brokers"
  run_pass --no-check \
    --preload tests/joined/joined_nodes.ts --filter "/\\((TCP|in memory)\\)$/" \
    tests/spec | tee -a "$report" || status=$?
  run_pass --no-check --preload tests/joined/joined_nodes.ts "${hostile_joined[@]}" |
    tee -a "$report" || status=$?
  # Two workers are one broker for clients that nobody here wrote.
  echo "With two workers"
  mapfile -t clients < <(find tests/client tests/clients -name "*_test.ts" ! -name "node_red_*")
  FAIRWAY_TEST_WORKERS=2 run_pass --no-check "${clients[@]}" |
    tee -a "$report" || status=$?
fi
count "$report" "$status"
exit "$status"
