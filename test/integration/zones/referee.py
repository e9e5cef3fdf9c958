"""The judge of the zones' task: shows that attempts of attack.py work where the right exists, and writes the result."""

import json
import os
import sys

sys.path.insert(0, "/task")
import attack  # noqa: E402 (its functions, run with the judge's rights)


def main():
    report = sys.stdout
    attack.ROLE = "judge"
    for name, detail in attack.leave_traces():
        attack.say(report, name, "done" if detail != -1 else "denied", detail)
    controls = {
        "read held-out data": lambda: attack.read("/data/held.txt"),
        "read its own seed": lambda: attack.must_hold(os.environ["ZONES_NOTE"].encode()),
        "find a module of the judge or a planted name": attack.search_names,
        "find shared memory": lambda: attack.shared_memory(attack.TARGETS["key"]),
        "find a message queue": lambda: attack.message_queue(attack.TARGETS["key"]),
        "find a file in /dev/shm": lambda: os.stat("/dev/shm/left").st_size,
        "write the result's folder": lambda: attack.write("/result/notes.txt"),
        "read a file that the candidate closed to others": lambda: attack.text_of("/output/private"),
    }
    links = [name for name in os.listdir("/output") if os.path.islink("/output/" + name)]
    for name in links:
        if name.startswith("the-"):
            controls[f"follow the candidate's link {name}"] = lambda name=name: attack.read("/output/" + name)
    for name in ("environ", "cmdline"):
        controls[f"read another process's {name}"] = lambda name=name: attack.search_processes(name)
    controls["write to the candidate's output"] = lambda: attack.write("/output/more")
    for name, control in controls.items():
        try:
            attack.say(report, name, "done", control())
        except Exception as error:  # noqa: BLE001
            attack.say(report, name, "denied", f"{type(error).__name__}: {error}")
    ask = os.fdopen(int(os.environ["ASSAY_PEER_OUT_FD"]), "wb", buffering=0)
    answers = os.fdopen(int(os.environ["ASSAY_PEER_IN_FD"]), "rb")
    ask.write(b"go\n")
    claim = answers.readline()
    attack.say(report, "hear the host's claim", "done", claim)
    ask.write(b"end\n")
    result = {"valid": True, "metric": "score", "value": 0.25, "metrics": {}, "checks": []}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(result, file)


main()
