# class.json -> the compose file: one Core Lightning node each in a container with a fixed address and a bounded memory, and one more
# container, rpc, that sees all nodes' folders and only waits to be asked. The network is internal: the nodes reach each other and this
# host's bridge, nothing else. Docker publishes no port; nginx passes the world's on. All run as the user cln with the group kindling,
# whose way to the cloud's metadata address the firewall closes.
def digits: if . < 10 then "0\(.)" else "\(.)" end;
def bind($source; $target): {type: "bind", source: $source, target: $target, bind: {create_host_path: false}};
def bounded: {
  image: "${CLN_IMAGE}", user: "${CLN_UID}:${KINDLING_GID}", restart: "unless-stopped", cap_drop: ["ALL"],
  security_opt: ["no-new-privileges:true"], logging: {driver: "json-file", options: {"max-size": "2m", "max-file": "2"}}
};
. as $class |
{
  services: (
    [range($class.nodes | length) as $i |
      {key: "node\($i | digits)", value: (bounded + {
        entrypoint: ["lightningd"], command: ["--developer", "--lightning-dir=/data"],
        environment: {HOME: "/data"},
        # Each channel is a process of its own within the node. No participant gets more than one processor busy.
        cpus: 1, mem_limit: "\(192 + 6 * ([$class.channels[] | select(.from == $i or .to == $i)] | length))m",
        stop_grace_period: "1m",
        networks: {class: {ipv4_address: "10.61.0.\(10 + $i)"}},
        volumes: [bind("/srv/kindling/class/\($i | digits)"; "/data")]
      })}] | from_entries
    + {rpc: (bounded + {
        entrypoint: ["sleep"], command: ["infinity"], environment: {HOME: "/tmp"}, mem_limit: "96m", stop_grace_period: "1s", network_mode: "none",
        volumes: [bind("/srv/kindling/class"; "/class")]
      }),
      # The daemon alone: the image's own start script would take the auth key from the environment, where it would stay.
      tailscale: {
        profiles: ["tailscale"], image: "${TAILSCALE_IMAGE}", network_mode: "host", user: "0:${KINDLING_GID}", restart: "unless-stopped",
        security_opt: ["no-new-privileges:true"], logging: {driver: "json-file", options: {"max-size": "10m", "max-file": "3"}},
        entrypoint: ["tailscaled", "--state=/var/lib/tailscale/tailscaled.state", "--socket=/var/run/tailscale/tailscaled.sock"],
        # The image's iptables is the legacy one; by itself the daemon would use that beside Ubuntu's nftables.
        environment: {TS_DEBUG_FIREWALL_MODE: "auto"}, cap_add: ["NET_ADMIN", "NET_RAW"], devices: ["/dev/net/tun"],
        volumes: [bind("/var/lib/kindling/tailscale"; "/var/lib/tailscale")]
      }}),
  networks: {class: {
    driver: "bridge", internal: true, driver_opts: {"com.docker.network.bridge.name": "br-kindling"},
    ipam: {config: [{subnet: "10.61.0.0/24", gateway: "10.61.0.1"}]}
  }}
}
