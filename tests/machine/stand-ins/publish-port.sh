#!/usr/bin/env bash
# publish-port.sh HOST-PORT: publishes port 80 of a container on the machine as Docker does: a network of its own behind the bridge
# docker0, and Docker's rules for it. What listens there is for the caller to start, with nsenter --net=/run/kindling-test/container-net.
set -euo pipefail
port=$1
container=/run/kindling-test/container-net
touch "$container"
unshare --net="$container" true
ip link add docker0 type bridge
ip address add 172.17.0.1/16 dev docker0
ip link add veth0 type veth peer name container0
ip link set veth0 master docker0
# Only a process can be named as the owner of a network: the container's side is moved by one that is in it.
nsenter --net="$container" /usr/bin/sleep infinity >/dev/null 2>&1 </dev/null &
until [[ $(readlink "/proc/$!/ns/net") == "net:[$(stat --format=%i "$container")]" ]]; do :; done
ip link set container0 netns $!
nsenter --net="$container" ip link set container0 up
nsenter --net="$container" ip address add 172.17.0.2/16 dev container0
nsenter --net="$container" ip route add default via 172.17.0.1
kill $!
ip link set docker0 up
ip link set veth0 up
echo 1 >/proc/sys/net/ipv4/ip_forward
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport "$port" -j DNAT --to-destination 172.17.0.2:80
iptables -N DOCKER
iptables -A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
iptables -I FORWARD -o docker0 -j DOCKER
iptables -I FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -I FORWARD -i docker0 ! -o docker0 -j ACCEPT
# At each start Docker puts this one first, over the chain as it finds it.
iptables -D FORWARD -j DOCKER-USER
iptables -I FORWARD -j DOCKER-USER
