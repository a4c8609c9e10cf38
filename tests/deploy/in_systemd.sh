#!/bin/bash
# Runs the unit of deploy/systemd under a real systemd, in namespaces and over a copy of this machine's
# files that is thrown away: starts, publishes, reloads, hangs (the watchdog), stops, and starts with a
# wrong configuration. It needs root, unshare, nsenter, systemd and mosquitto_pub, and takes two
# minutes. No test runs it.
#
#   bash tests/deploy/in_systemd.sh
set -euo pipefail
if [[ "${1:-}" != inside ]]; then
  room=$(mktemp -d)
  trap 'rmdir "$room"' EXIT
  # How systemd itself ends does not matter.
  { timeout 240 unshare --mount --pid --net --cgroup --fork bash "$0" inside "$room" || true; } |
    tee /dev/stderr | grep "^All of it holds$" >/dev/null
  exit
fi

room=$2
here=$(cd "$(dirname "$0")/../.." && pwd)
cache=${DENO_DIR:-$HOME/.cache/deno}
mount --make-rprivate /
mount -t tmpfs none "$room"
mkdir "$room/upper" "$room/work" "$room/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$room/upper,workdir=$room/work" "$room/root"
root=$room/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs none "$root/run"
mount -t tmpfs none "$root/tmp"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs none "$root/sys/fs/cgroup"
mkdir "$root/sys/fs/cgroup/unified" "$root/sys/fs/cgroup/systemd"
mount -t cgroup -o none,name=systemd systemd "$root/sys/fs/cgroup/systemd"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
ip link set lo up

# What docs/running.md says.
mkdir -p "$root/opt/fairway" "$root/var/cache/fairway"
git -C "$here" archive HEAD | tar -x -C "$root/opt/fairway"
cp -r "$cache/." "$root/var/cache/fairway/"
chroot "$root" useradd --system --home-dir /var/lib/fairway --shell /usr/sbin/nologin fairway
chroot "$root" chown -R fairway: /var/cache/fairway
chroot "$root" install -D -m 0644 /opt/fairway/deploy/systemd/fairway.conf /etc/fairway/fairway.conf
chroot "$root" install -m 0644 /opt/fairway/deploy/systemd/fairway.service /etc/systemd/system/
sed -i "s#/usr/bin/deno#$(readlink -f "$(command -v deno)")#" "$root/etc/systemd/system/fairway.service"

cat >"$root/etc/systemd/system/try.target" <<'END'
[Unit]
Wants=fairway.service try.service dbus.socket
END
cat >"$root/etc/systemd/system/try.service" <<'END'
[Unit]
After=fairway.service
DefaultDependencies=no
[Service]
Type=oneshot
TimeoutStartSec=200
ExecStart=/bin/bash /try.sh
StandardOutput=file:/try.log
StandardError=file:/try.log
END
cat >"$root/try.sh" <<'END'
set -u
trap 'echo "The end"' EXIT
is() { # What of the unit has which value.
  local value
  value=$(systemctl show fairway -p "$1" --value)
  [[ "$value" == "$2" ]] && echo "$1 is $2" && return
  echo "$1 is $value, not $2"
  journalctl -u fairway --no-pager | tail
  exit 1
}
is ActiveState active
mosquitto_pub -t a -m b -q 1 && echo "It takes a message" || exit 1
systemctl reload fairway && sleep 1
journalctl -u fairway --no-pager | grep -o "Configuration reloaded" || exit 1
main=$(systemctl show fairway -p MainPID --value)
grep -q "^CapEff:[[:space:]]*0*$" "/proc/$main/status" && echo "It has no capability" || exit 1
kill -STOP "$main"
for _ in $(seq 60); do
  sleep 1
  [[ "$(systemctl show fairway -p NRestarts --value)" == 1 ]] && mosquitto_pub -t a -m b && break
done
is NRestarts 1
is ActiveState active
systemctl stop fairway
is Result success
echo "listener x" >/etc/fairway/fairway.conf
systemctl start fairway
sleep 4
is ExecMainStatus 2
is NRestarts 0
echo "All of it holds"
END
(
  for _ in $(seq 200); do
    sleep 1
    grep -q "^The end" "$root/try.log" 2>/dev/null && break
  done
  cat "$root/try.log"
  chroot "$root" systemctl exit 0
) &
exec chroot "$root" env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=try.target --log-level=warning
