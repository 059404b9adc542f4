#!/bin/sh
# Inside the booted Debian: the service as systemd runs it. Ends with the first thing that is not as it should be.
set -eu
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd /

step() { echo "step: $*"; }
show() { systemctl show isthmus --value -p "$1"; }
failed() { echo "FAILED: $*"; systemctl status isthmus --no-pager -l | tail -20; exit 1; }

step "systemctl start: it says itself that it accepts connections (Type=notify)"
systemctl start isthmus || failed "start"
test "$(show ActiveState)" = active || failed "it is $(show ActiveState)"
test "$(show StatusText)" = "accepting connections" || failed "it says $(show StatusText)"
pid=$(show MainPID)

step "what the unit takes away"
grep -q '^NoNewPrivs:.1$' "/proc/$pid/status" || failed "NoNewPrivs"
grep -q '^CapEff:.0*$' "/proc/$pid/status" || failed "capabilities"
grep -q '^Seccomp:.2$' "/proc/$pid/status" || failed "system calls"
# In the service's own view of the files, with its user: what it may write, and what not.
inside() { nsenter -t "$pid" --mount setpriv --reuid=isthmus --regid=isthmus --clear-groups "$@" 2>/dev/null; }
for place in /var/lib/isthmus/x /etc/isthmus/certs/own/x; do
	inside touch "$place" || failed "$place cannot be written"
	inside rm "$place"
done
for place in /etc/isthmus/routes/x /etc/isthmus/secrets/x; do ! inside touch "$place" || failed "$place can be written"; done

step "reload, and two signs of life"
systemctl reload isthmus || failed "reload"
sleep 35
test "$(show MainPID)" = "$pid" || failed "the watchdog has killed it"

step "the command line reaches it as the service's user"
setpriv --reuid=isthmus --regid=isthmus --init-groups isthmus audit list >/dev/null || failed "audit list"

step "an upgrade while it runs: the new version takes over, unless it finds faults in the home"
rm -f /usr/sbin/policy-rc.d
cp /etc/isthmus/routes/policy.yaml /tmp/policy.yaml
echo 'federation: clsed' >/etc/isthmus/routes/policy.yaml
dpkg --install /isthmus.deb 2>&1 | grep -q 'not restarted, since the new version finds faults' || failed "nothing was said of the fault"
test "$(show MainPID)" = "$pid" || failed "it was restarted with a fault"
cp /tmp/policy.yaml /etc/isthmus/routes/policy.yaml
dpkg --install /isthmus.deb >/dev/null 2>&1
test "$(show ActiveState)" = active || failed "after the upgrade it is $(show ActiveState)"
test "$(show MainPID)" != "$pid" || failed "it was not restarted"

step "systemctl stop: drained"
systemctl stop isthmus
test "$(show Result)" = success || failed "it ended with $(show Result)"

step "a home with a fault, and no accepted set to go back to, is not tried again and again"
rm -rf /var/lib/isthmus/applied
echo 'nonsense: 1' >>/etc/isthmus/isthmus.yaml
! systemctl start isthmus 2>/dev/null || failed "it started"
sleep 4
test "$(show NRestarts)" = 0 || failed "it was restarted $(show NRestarts) times"
echo "the service works under systemd"
