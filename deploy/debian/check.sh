#!/bin/sh
# Inside a fresh Debian: installs the package as an operator does, uses it, upgrades, removes and purges it, and leaves it
# installed for service.sh. Ends with the first thing that is not as it should be. Run by deploy/debian/check.ts.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

step() { echo "step: $*"; }
must() { "$@" >/dev/null 2>&1 || { echo "FAILED: $*"; exit 1; }; }
as_service() { setpriv --reuid=isthmus --regid=isthmus --init-groups "$@"; }

# A machine's own policy: nothing may be started while packages are installed.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d

step "apt install"
apt-get update -qq >/dev/null
apt-get install -y -qq /isthmus.deb >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }
isthmus --version

step "a first home, for the service's user alone"
test "$(stat -c '%U:%G %a' /etc/isthmus)" = "isthmus:isthmus 750"
test "$(stat -c '%U %a' /etc/isthmus/secrets)" = "isthmus 700"
test "$(stat -c '%U %a' /var/lib/isthmus)" = "isthmus 700"
must grep -q '^data: /var/lib/isthmus' /etc/isthmus/isthmus.yaml
must as_service isthmus check
cd /tmp

step "the unit"
systemd-analyze verify /usr/lib/systemd/system/isthmus.service
systemd-analyze security --offline=true --threshold=20 --no-pager /usr/lib/systemd/system/isthmus.service | tail -1

# run_home HOME COMMAND...: it runs with this home, answers the command, and ends well.
run_home() {
	home=$1
	shift
	sed -i 's|\*:\([0-9]*\)|127.0.0.1:\1|g' "$home/isthmus.yaml"
	: >/tmp/isthmus.log
	as_service isthmus start --home "$home" >/tmp/isthmus.log 2>&1 &
	started=$!
	n=0
	until grep -q '"event":"ready"' /tmp/isthmus.log; do
		n=$((n + 1))
		test "$n" -lt 60 || { tail -5 /tmp/isthmus.log; exit 1; }
		sleep 0.5
	done
	must as_service "$@" --home "$home"
	kill "$(sed -n 's/.*"event":"ready".*"pid":\([0-9]*\).*/\1/p' /tmp/isthmus.log)"
	wait "$started" || { echo "FAILED: it ended with $?"; tail -5 /tmp/isthmus.log; exit 1; }
}

step "start, ask, stop"
run_home /etc/isthmus isthmus audit list

step "a home with users of its own"
must as_service isthmus init /tmp/people --domain people.example --served core
must as_service isthmus user add nora@people.example --generate --home /tmp/people
run_home /tmp/people isthmus user state nora@people.example
rm -r /tmp/people

step "install again: the home stays as it is"
echo '# mine' >>/etc/isthmus/routes/policy.yaml
apt-get install -y -qq --reinstall /isthmus.deb >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }
must grep -q '^# mine' /etc/isthmus/routes/policy.yaml

step "remove: home and data stay"
apt-get remove -y -qq isthmus >/dev/null 2>&1
test -d /etc/isthmus && test -d /var/lib/isthmus && test ! -e /usr/lib/isthmus/bin && test ! -e /usr/bin/isthmus

step "purge: data goes, keys stay"
mkdir -p /etc/isthmus/certs/own/main
touch /etc/isthmus/certs/own/main/key.pem
apt-get purge -y -qq isthmus >/dev/null 2>&1
test -d /etc/isthmus && test ! -e /var/lib/isthmus && test ! -e /etc/default/isthmus

step "purge of a home without keys leaves nothing"
rm -r /etc/isthmus
apt-get install -y -qq /isthmus.deb >/dev/null 2>&1
apt-get purge -y -qq isthmus >/dev/null 2>&1
test ! -e /etc/isthmus && test ! -e /var/lib/isthmus

step "installed for the boot that follows"
apt-get install -y -qq systemd-sysv /isthmus.deb >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }
sed -i 's|\*:\([0-9]*\)|127.0.0.1:\1|' /etc/isthmus/isthmus.yaml
