"""Checks runes by the implementation of their inventor, which knows nothing of Core Lightning.

stdin: {"secret": hex, "rune": base64, "calls": [{"method", "time"}...]}; stdout: a list, null where a call is allowed, else why not.
The rate is judged here as Core Lightning does (lightningd/runes.c): by the time since the last call that was allowed.
"""
import json
import sys

import runes

asked = json.load(sys.stdin)
master = runes.MasterRune(bytes.fromhex(asked["secret"]))
last = None
answers = []
for call in asked["calls"]:

    def rate(alternative, now=call["time"]):
        return None if last is None or now - last >= 60 / int(alternative.value) else "too soon"

    allowed, why = master.check_with_reason(asked["rune"], {"method": call["method"], "time": int(call["time"]), "rate": rate})
    if allowed:
        last = call["time"]
    answers.append(None if allowed else why)
rune = runes.Rune.from_base64(asked["rune"])
print(json.dumps({"answers": answers, "restrictions": [restriction.encode() for restriction in rune.restrictions]}))
