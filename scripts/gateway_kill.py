"""No call is executed twice on one say-so, and none is lost without an `unknown`.

A reviewer approves everything; a client asks for calls and collects them; the gateway is killed
with SIGKILL, and the server behind it dies in the middle of calls, both at random. In the end each
escalation's receipt is held against what the server behind noted that it did.
"""

import collections
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

SAYSO, CALLS = sys.argv[1], int(sys.argv[2])
BATCH = 20
# The gateway's code for a server that could not be asked, so that nothing was.
UNREACHED = -31_002
UPSTREAM = """
import json, os, random, sys
notes = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def say(frame, result):
    print(json.dumps({"jsonrpc": "2.0", "id": frame["id"], "result": result}), flush=True)
for line in sys.stdin:
    frame = json.loads(line)
    method = frame.get("method")
    if method == "initialize":
        say(frame, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                    "serverInfo": {"name": "acts", "version": "1"}})
    elif method == "tools/list":
        say(frame, {"tools": [{"name": "act", "inputSchema": {"type": "object"}}]})
    elif method == "tools/call":
        if random.random() < 0.001: os._exit(1)
        os.write(notes, (str(frame["params"]["arguments"]["n"]) + "\\n").encode())
        if random.random() < 0.001: os._exit(1)
        say(frame, {"content": [{"type": "text", "text": "done"}]})
"""


class Gone(Exception):
    pass


class Gateway:
    def __init__(self, folder, env):
        self.process = subprocess.Popen(
            [SAYSO, "gateway", "--grace", "0s", "--config", f"{folder}/servers.json"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, text=True)
        self.next = 0
        self.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                "clientInfo": {"name": "kill", "version": "1"}})

    def ask_all(self, method, several):
        """Asks several things at once; their results, in order."""
        ids = []
        try:
            for params in several:
                self.next += 1
                ids.append(self.next)
                frame = {"jsonrpc": "2.0", "id": self.next, "method": method, "params": params}
                self.process.stdin.write(json.dumps(frame) + "\n")
            self.process.stdin.flush()
            answers = {}
            while len(answers) < len(ids):
                line = self.process.stdout.readline()
                if not line.endswith("\n"):
                    raise Gone
                frame = json.loads(line)
                answers[frame.get("id")] = frame
            return [answers[id] for id in ids]
        except (BrokenPipeError, OSError, KeyError):
            raise Gone from None

    def ask(self, method, params):
        return self.ask_all(method, [params])[0]

    def call_all(self, tool, several):
        return self.ask_all("tools/call", [{"name": tool, "arguments": it} for it in several])

    def end(self):
        self.process.kill()
        self.process.wait()


class Api:
    def __init__(self, url, token):
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"))
        self.headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def send(self, method, path, body=None):
        self.connection.request(method, path, body and json.dumps(body), self.headers)
        return json.loads(self.connection.getresponse().read())


def approve(url, token, stop):
    api = Api(url, token)
    while not stop.is_set():
        for asked in api.send("GET", "/v1/escalations?state=pending&limit=200")["items"]:
            api.send("POST", f"/v1/escalations/{asked['id']}/decisions",
                     {"decision": "approve", "digest": asked["digest"]})
        time.sleep(0.005)


def main():
    folder = tempfile.mkdtemp(prefix="sayso-kill-")
    env = {**os.environ, "SAYSO_DATA": folder}
    sayso = lambda *words: json.loads(subprocess.check_output([SAYSO, *words, "--json"], env=env))
    serving = subprocess.Popen([SAYSO, "serve", "--listen", "127.0.0.1:0", "--rate", "0", "--json"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, text=True)
    url = json.loads(serving.stdout.readline())["url"]
    key, token = sayso("agent", "add", "bot")["token"], sayso("reviewer", "add", "ana")["token"]
    env |= {"SAYSO_URL": url, "SAYSO_TOKEN": key}
    with open(f"{folder}/upstream.py", "w") as file:
        file.write(UPSTREAM)
    notes = f"{folder}/notes"
    servers = {"acts": {"command": sys.executable, "args": [f"{folder}/upstream.py", notes]}}
    with open(f"{folder}/servers.json", "w") as file:
        json.dump({"mcpServers": servers}, file)

    stop = threading.Event()
    threading.Thread(target=approve, args=(url, token, stop), daemon=True).start()
    current = {"gateway": Gateway(folder, env)}
    kills = collections.Counter()

    def killer():
        while not stop.wait(random.uniform(0.3, 2.0)):
            current["gateway"].process.send_signal(signal.SIGKILL)
            kills["gateway"] += 1

    threading.Thread(target=killer, daemon=True).start()

    def persist(act):
        """Does something with the gateway, with another one if this one dies."""
        while True:
            try:
                return act(current["gateway"])
            except Gone:
                current["gateway"].end()
                while True:
                    try:
                        current["gateway"] = Gateway(folder, env)
                        break
                    except Gone:
                        continue

    started = time.monotonic()
    for first in range(0, CALLS, BATCH):
        batch = [{"n": n} for n in range(first, min(first + BATCH, CALLS))]
        handles = set()
        while batch:
            answers = persist(lambda gateway: gateway.call_all("act", batch))
            for answer in answers:
                told = answer.get("result", {}).get("structuredContent", {})
                # One that was approved and made at once needs no collecting.
                if told.get("status") == "pending":
                    handles.add(told["escalation"])
            # The server behind was not there, so nothing was made: a client asks for the same again.
            batch = [asked for asked, answer in zip(batch, answers)
                     if answer.get("error", {}).get("code") == UNREACHED]
            if batch:
                current["gateway"].end()
                kills["upstream"] += 1
        while handles:
            asked = sorted(handles)
            answer = persist(lambda gateway: gateway.call_all("check_review", [{"ids": asked}]))[0]
            told = answer.get("result", {}).get("structuredContent") or {}
            reviews = told.get("reviews")
            if reviews is None and len(asked) == 1:
                break
            reviews = reviews or []
            handles = {it["escalation"] for it in reviews if it["status"] == "pending"}
            # The server behind is gone and the grant unused: a client starts the gateway again.
            unused = {it["escalation"] for it in reviews if "error" in it and it.get("permit")}
            if unused:
                current["gateway"].end()
                kills["upstream"] += 1
                handles |= unused
            if answer.get("result", {}).get("isError") or "error" in answer:
                current["gateway"].end()
                kills["upstream"] += 1
                handles = set(asked)
                states = Api(url, key)
                handles = {id for id in asked
                           if states.send("GET", f"/v1/escalations/{id}").get("permit")
                           or states.send("GET", f"/v1/escalations/{id}")["state"] == "pending"}
    took = time.monotonic() - started
    stop.set()
    current["gateway"].end()

    executed = collections.Counter(int(line) for line in open(notes))
    reader, found, after = Api(url, token), [], ""
    while True:
        page = reader.send("GET", f"/v1/escalations?limit=200{after}")
        found += page["items"]
        if not page.get("next"):
            break
        after = f"&cursor={page['next']}"
    serving.terminate()
    serving.wait()

    sure, perhaps, unused = collections.Counter(), collections.Counter(), 0
    for escalation in found:
        n = escalation["action"]["arguments"]["n"]
        result = (escalation.get("receipt") or {}).get("result")
        if result == "succeeded":
            sure[n] += 1
        elif result in ("started", "unknown", "failed"):
            perhaps[n] += 1
        else:
            unused += 1
    twice = [n for n in executed if executed[n] > sure[n] + perhaps[n]]
    lost = [n for n in range(CALLS) if executed[n] < sure[n] or not (sure[n] or perhaps[n])]
    print(f"{CALLS} calls in {took:.0f} s; the gateway was killed {kills['gateway']} times, the server "
          f"behind it was found dead {kills['upstream']} times")
    print(f"{sum(executed.values())} executed, {sum(sure.values())} receipts that say so, "
          f"{sum(perhaps.values())} unknown or begun, {unused} never begun")
    print(f"executed without a say-so of its own: {len(twice)}; lost without a trace: {len(lost)}")
    if twice or lost:
        sys.exit(f"twice {twice[:10]}, lost {lost[:10]}")


main()
