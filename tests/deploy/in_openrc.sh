#!/bin/bash
# Runs the script of deploy/openrc under a real OpenRC, in namespaces and over a copy of this machine's
# files that is thrown away: starts, publishes, reloads, dies (and is started again), stops. It needs
# root, unshare, mosquitto_pub, and on Debian the packages of OpenRC in a folder:
#
#   cd FOLDER && apt-get download openrc librc1 libeinfo1
#   bash tests/deploy/in_openrc.sh FOLDER
#
# It takes half a minute. No test runs it.
set -euo pipefail
if [[ "${1:-}" != inside ]]; then
  packages=$(realpath "$1")
  room=$(mktemp -d)
  trap 'rmdir "$room"' EXIT
  timeout 120 unshare --mount --pid --net --fork bash "$0" inside "$room" "$packages" |
    tee /dev/stderr | grep "^All of it holds$" >/dev/null
  exit
fi

room=$2
packages=$3
here=$(cd "$(dirname "$0")/../.." && pwd)
mount --make-rprivate /
mount -t tmpfs none "$room"
mkdir "$room/upper" "$room/work" "$room/root" "$room/packages"
mount -t overlay overlay -o "lowerdir=/,upperdir=$room/upper,workdir=$room/work" "$room/root"
root=$room/root
for package in "$packages"/*.deb; do dpkg -x "$package" "$room/packages"; done
# The folders /bin, /lib and /sbin of this machine are links.
for folder in bin lib sbin; do
  [[ ! -d "$room/packages/$folder" ]] || cp -a "$room/packages/$folder/." "$root/usr/$folder/"
done
cp -a "$room/packages/etc/." "$root/etc/"
cp -a "$room/packages/usr/." "$root/usr/"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs none "$root/run"
mkdir -p "$root/run/openrc"/{daemons,exclusive,failed,hotplugged,inactive,options,scheduled,started} \
  "$root/run/openrc"/{starting,stopping,tmp,wasinactive} "$root/opt/fairway"
touch "$root/run/openrc/softlevel" "$root/etc/insserv.conf"
ip link set lo up

# What docs/running.md says.
git -C "$here" archive HEAD | tar -x -C "$root/opt/fairway"
cat >"$root/try.sh" <<'END'
set -euo pipefail
PATH=/sbin:/usr/sbin:/bin:/usr/bin
useradd --system --home-dir /var/lib/fairway --shell /usr/sbin/nologin fairway
install -D -m 0644 /opt/fairway/deploy/systemd/fairway.conf /etc/fairway/fairway.conf
install -m 0755 /opt/fairway/deploy/openrc/fairway.initd /etc/init.d/fairway
install -D -m 0644 /opt/fairway/deploy/openrc/fairway.confd /etc/conf.d/fairway
takes() { # Waits until it takes a message.
  for _ in $(seq 40); do
    sleep 0.5
    mosquitto_pub -t a -m b -q 1 2>/dev/null && echo "It takes a message" && return
  done
  cat /var/log/fairway.log
  return 1
}
rc-update add fairway default
rc-service --nodeps fairway start
takes
rc-service fairway reload
sleep 1
grep -o "Configuration reloaded" /var/log/fairway.log
[[ "$(stat -c %U:%a /var/lib/fairway)" == fairway:700 ]] && echo "The state is its own"
supervisor=$(cat /run/fairway.pid)
kill -9 "$(pgrep -P "$supervisor")"
takes
rc-service fairway status
rc-service --nodeps fairway stop
! pgrep -P "$supervisor"
echo "All of it holds"
END
chroot "$root" bash /try.sh
