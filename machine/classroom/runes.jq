# What the nodes' showrunes said -> $want == "missing": the lines for ask_nodes that make what is not there; "all": both runes of each
# node. $until: Unix seconds after which no rune is good any more.
def participant: [
  (["^list", "=getinfo", "=pay", "=xpay", "=invoice", "=decode", "=keysend", "=newaddr", "=connect", "=fundchannel", "=close", "^bkpr-list", "^wait"]
    | map("method" + .)),
  ["method/listdatastore"],
  # The rate is the time between two calls, and wallets ask several things at once: what only reads is free of it.
  ["method^list", "method=getinfo", "method=decode", "method^bkpr-list", "method^wait", "rate=600"], ["time<\($until)"]];
def admin: [["time<\($until)"]];
def found($restrictions): first(.answer.runes[]? | select([.restrictions[] | [.alternatives[] | .fieldname + .condition + .value]] == $restrictions) | .rune) // null;
def line($restrictions): "ask \(.node) createrune restrictions='\($restrictions | tojson)'";
if $want == "missing"
then .[] | select(.answer) | (select(found(participant) | not) | line(participant)), (select(found(admin) | not) | line(admin))
else [.[] | {node, rune: found(participant), adminRune: found(admin)}] end
