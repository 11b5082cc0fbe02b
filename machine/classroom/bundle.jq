# The public facts about the machine -> the bundle. A card's links carry the participant's rune; only adminConnect the teacher's.
def line: rtrimstr("\n");
def connect($url; $address; $rune): "\($url)/connect?address=\($address)&type=direct&value=wss:&rune=\($rune)";
$class[0] as $c | $certificate[0] as $tls |
{version: 1, orderId: $order, product: "classroom", fake: false, nodeIp, tailscaleHostname,
 ssh: {user: "root", port: 22, hostKeys},
 bitcoin: {implementation: "core", version: $version, network: "regtest", rpcUser: "kindling", rpcPassword: ($rpc | line)},
 classroom: {plan: $c.plan, hours: $c.hours, graph: $c.graph, distribution: $c.distribution, seed: $c.seed, satsPerNode: $c.satsPerNode,
   host: $tls.host, certificate: {kind: $tls.kind, sha256: $sha256}, runesUntil: $until,
   nodes: [$c.nodes | to_entries[] | .key as $i | .value as $node | $runes[0][$i] as $rune |
     "\($keys[0][$i])@\($tls.host):\(6001 + $i)" as $address |
     {name: $node.name, publicKey: $keys[0][$i], port: (6001 + $i), wealthSats: $node.wealthSats, rune: $rune.rune, adminRune: $rune.adminRune,
      connect: connect($c.connectUrl; $address; $rune.rune),
      wallet: ("\($c.walletUrl)/wallets/add?label=\($node.name | @uri)&larp=true&type=coreln&configuration="
        + ({address: $address, token: $rune.rune, connection: {type: "direct", value: "wss:"}} | tojson | @uri)),
      adminConnect: connect($c.connectUrl; $address; $rune.adminRune)}]},
 components: $components[0], credentialsFile: $file}
