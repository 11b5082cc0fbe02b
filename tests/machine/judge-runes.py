"""Checks runes by the implementation of their inventor, which knows nothing of Core Lightning.

stdin: {"secret": hex, "rune": base64, "calls": [{"method", "time"}...]}; stdout: a list, null where a call is allowed, else why not.
The rate is counted here, so many calls in one minute.
"""
import json
import sys

import runes

asked = json.load(sys.stdin)
master = runes.MasterRune(bytes.fromhex(asked["secret"]))
minute = {}
answers = []
for call in asked["calls"]:

    def rate(alternative, now=call["time"]):
        minute[now // 60] = minute.get(now // 60, 0) + 1
        return None if minute[now // 60] <= int(alternative.value) else "too soon"

    allowed, why = master.check_with_reason(asked["rune"], {"method": call["method"], "time": call["time"], "rate": rate})
    answers.append(None if allowed else why)
rune = runes.Rune.from_base64(asked["rune"])
print(json.dumps({"answers": answers, "restrictions": [restriction.encode() for restriction in rune.restrictions]}))
