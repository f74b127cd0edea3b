"""The official conformance suite against what we have: see scripts/conformance.

A scenario through the gateway must come out as it does without: as many checks, as many passed.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request
from contextlib import contextmanager
from pathlib import Path

BINARIES, TOOLS, PARTS = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:] or ["mcp", "server", "held", "client"]
SAYSO = str(BINARIES / "sayso")
NODE = str(TOOLS / "node_modules/node/bin/node")
SUITE = str(TOOLS / "node_modules/@modelcontextprotocol/conformance/dist/index.js")
OWN = Path(__file__).with_suffix(".d")
REVISIONS = ["2025-11-25", "2026-07-28"]

# Those that apply to a server that has tools of its own and nothing else.
OF_MCP = {
    "2025-11-25": ["server-initialize", "ping", "tools-list", "dns-rebinding-protection"],
    "2026-07-28": [
        "tools-list", "dns-rebinding-protection", "http-header-validation", "server-sse-multiple-streams",
        "sep-2164-resource-not-found",
    ],
}
# Between a client and its server's own login the gateway has no part, and skills are a draft.
LEFT_OUT = ("auth/", "sep-2640")
failed = 0


def told(what, ok, detail):
    global failed
    failed += not ok
    print(f"{'✓' if ok else '✗'} {what:<64} {detail}", flush=True)


class Score:
    """What came of a scenario."""

    def __init__(self, text):
        found = re.search(r"^Passed: (\d+)/(\d+), (\d+) failed, (\d+) warnings", text, re.MULTILINE)
        self.figures = found and tuple(map(int, found.groups()))
        self.text = text

    def __str__(self):
        return "{}/{}".format(*self.figures) if self.figures else "no result"

    def is_whole(self):
        return self.figures is not None and self.figures[2] == 0


def suite(*words, env=None, node=()):
    made = subprocess.run(
        [NODE, *node, SUITE, *words], env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=120
    )
    return made.stdout + made.stderr


def scenarios(kind, revision):
    """The suite's scenarios for servers or clients that apply to a revision."""
    listed = suite("list").split(f"{kind} scenarios", 1)[1].split("\n\n", 1)[0]
    for name, applies in re.findall(r"^  - (\S+) \[(.*)\]$", listed, re.MULTILINE):
        is_extension = kind == "Server" and "extension" in applies
        if (revision in applies or is_extension) and not name.startswith(LEFT_OUT):
            yield name


def of_server(url, scenario, revision, env=None, node=()):
    # Extensions belong to no revision.
    which = ["--force"] if scenario.startswith("tasks-") else ["--spec-version", revision]
    return Score(suite("server", "--url", url, "--scenario", scenario, *which, env=env, node=node))


def of_client(command, scenario, revision, env):
    return Score(suite("client", "--command", command, "--scenario", scenario, "--spec-version", revision, env=env))


@contextmanager
def running(*command, env=None):
    """A process that prints where it listens, as JSON."""
    process = subprocess.Popen(
        command, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait()


@contextmanager
def sayso(policy):
    """A Sayso with this policy: its environment for an agent, and for a person."""
    with tempfile.TemporaryDirectory() as data:
        (Path(data) / "policy.toml").write_text(policy)
        with running(SAYSO, "--data", data, "--json", "serve", "--listen", "127.0.0.1:0") as url:
            def added(*words):
                made = subprocess.run([SAYSO, "--data", data, "--json", *words], capture_output=True, check=True)
                return {"SAYSO_URL": url, "SAYSO_TOKEN": json.loads(made.stdout)["token"]}

            yield added("agent", "add", "conformance"), added("reviewer", "add", "ana")


@contextmanager
def gateway(upstream, env):
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "servers.json"
        config.write_text(json.dumps({"mcpServers": {"suite": {"url": upstream}}}))
        command = [SAYSO, "--json", "gateway", "--listen", "127.0.0.1:0", "--config", str(config)]
        with running(*command, env=env) as url:
            yield url


def fixture():
    return running(str(BINARIES / "conformance-server"))


@contextmanager
def somebody_who_approves(env):
    """Approves whatever is asked, as soon as it is."""
    command = [SAYSO, "inbox", "--watch", "--json"]
    watching = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def approve():
        for line in watching.stdout:
            event = json.loads(line)
            if event.get("event") not in ("open", "proposed") or event["escalation"]["state"] != "pending":
                continue
            escalation = event["escalation"]
            request = urllib.request.Request(
                f"{env['SAYSO_URL']}/v1/escalations/{escalation['id']}/decisions",
                json.dumps({"decision": "approve", "digest": escalation["digest"]}).encode(),
                {"authorization": f"Bearer {env['SAYSO_TOKEN']}", "content-type": "application/json"},
            )
            urllib.request.urlopen(request).read()

    threading.Thread(target=approve, daemon=True).start()
    try:
        yield
    finally:
        watching.terminate()
        watching.wait()


def mcp():
    with sayso("") as (agent, _):
        for revision in REVISIONS:
            for scenario in OF_MCP[revision]:
                key = ["--import", str(OWN / "with-key.mjs")]
                score = of_server(f"{agent['SAYSO_URL']}/mcp", scenario, revision, agent, key)
                told(f"/mcp, {revision}: {scenario}", score.is_whole(), score)


def compared(where, scenario, alone, through):
    same = alone.figures == through.figures and alone.is_whole()
    told(f"{where}: {scenario}", same, f"alone {alone}, through the gateway {through}")


def server():
    with sayso('default_tier = "fyi"\n') as (agent, _), fixture() as alone, gateway(alone, agent) as through:
        for revision in REVISIONS:
            for scenario in scenarios("Server", revision):
                scores = [of_server(url, scenario, revision) for url in (alone, through)]
                compared(f"server, {revision}", scenario, *scores)


def held():
    with (
        sayso('default_tier = "hard"\n') as (agent, person),
        fixture() as alone,
        gateway(alone, agent) as through,
        somebody_who_approves(person),
    ):
        for scenario in scenarios("Server", REVISIONS[1]):
            if scenario.startswith("tasks-"):
                scores = [of_server(url, scenario, REVISIONS[1]) for url in (alone, through)]
                compared("held for people", scenario, *scores)


def client():
    command = f"{NODE} {OWN / 'client.mjs'}"
    through = f"{sys.executable} {OWN / 'through.py'} {SAYSO} {command}"
    with sayso('default_tier = "fyi"\n') as (agent, _):
        env = {**agent, "SAYSO_CONFORMANCE_TOOLS": str(TOOLS)}
        for revision in REVISIONS:
            for scenario in scenarios("Client", revision):
                scores = [of_client(way, scenario, revision, env) for way in (command, through)]
                compared(f"client, {revision}", scenario, *scores)


for part in PARTS:
    {"mcp": mcp, "server": server, "held": held, "client": client}[part]()
sys.exit(failed > 0)
