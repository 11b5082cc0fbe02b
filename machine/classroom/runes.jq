# What the nodes' showrunes said -> $want == "missing": the lines for ask_nodes that make what is not there; "all": both runes of each
# node. $until: Unix seconds after which no rune is good any more.
def participant: [
  (["^list", "=getinfo", "=pay", "=xpay", "=invoice", "=decode", "=keysend", "=newaddr", "=connect", "=fundchannel", "=close", "^bkpr-list", "^wait"]
    | map("method" + .)),
  ["method/listdatastore"], ["rate=600"], ["time<\($until)"]];
def admin: [["time<\($until)"]];
def found($restrictions): first(.answer.runes[] | select([.restrictions[] | [.alternatives[] | .fieldname + .condition + .value]] == $restrictions) | .rune) // null;
def line($restrictions): "ask \(.node) createrune restrictions='\($restrictions | tojson)'";
if $want == "missing"
then .[] | (select(found(participant) | not) | line(participant)), (select(found(admin) | not) | line(admin))
else [.[] | {node, rune: found(participant), adminRune: found(admin)}] end
