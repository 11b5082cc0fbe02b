# What the nodes' listpeerchannels said, a list -> $want == "missing": the lines for ask_nodes that open what is not there, for each node in
# one transaction; "active": whether all of them carry payments; "lost": the lines that connect nodes again which share a channel; "all": the
# channels between nodes of the class as the heartbeat tells them.
def address: "10.61.0.\(10 + .):9735";
def gone: IN("CLOSINGD_COMPLETE", "AWAITING_UNILATERAL", "FUNDING_SPEND_SEEN", "ONCHAIN");
def sats: . / 1000 | floor;
$class[0] as $class |
($keys[0] | to_entries | map({key: .value, value: .key}) | from_entries) as $index |
. as $seen |
# As the opener sees it; as the other one does, where the opener does not answer.
([.[] | select(.answer) | .node]) as $answering |
[.[] | .node as $me | .answer.channels[]? | select($index[.peer_id] != null and (.state | gone | not) and .total_msat) |
  $index[.peer_id] as $peer |
  if .opener == "local" then {from: $me, to: $peer, sats: (.total_msat | sats), fromSats: (.to_us_msat | sats)}
  elif $answering | index([$peer]) then empty
  else {from: $peer, to: $me, sats: (.total_msat | sats), fromSats: (.total_msat - .to_us_msat | sats)} end
  + {active: (.state == "CHANNELD_NORMAL" and .peer_connected)}] as $there |
# The second channel of the same two is another one.
def numbered: group_by([.from, .to]) | map(to_entries[] | .value + {nth: .key}) ;
($there | numbered) as $there |
if $want == "all" then $there | map(del(.nth))
elif $want == "lost" then
  [$seen[] | .node as $me | .answer.channels[]? | select(.peer_connected | not) | $index[.peer_id] | numbers | select(. as $peer | $answering | index([$peer])) |
    [$me, .]] | unique[] | "ask \(.[0]) connect id=\($keys[0][.[1]])@\(.[1] | address)"
elif $want == "active" then
  all($class.channels | numbered[]; . as $c | any($there[]; .from == $c.from and .to == $c.to and .nth == $c.nth and .active))
else
  [$class.channels | numbered[] | . as $c | select(any($there[]; .from == $c.from and .to == $c.to and .nth == $c.nth) | not)] |
  group_by(.from)[] | (.[0].from) as $from | select($answering | index([$from])) |
  # One transaction has a peer but once.
  "ask \($from) multifundchannel destinations='\(unique_by(.to) | map({id: "\($keys[0][.to])@\(.to | address)", amount: .sats, push_msat: (.pushSats * 1000)}) | tojson)'"
end
