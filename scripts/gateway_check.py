"""Official servers, by the official Python client, with and without the gateway in between.

What a server offers and answers must be the same through the gateway, but for what the gateway
changes on purpose: output schemas are dropped, and its own tools are added. Each way has a folder
of its own, so that what a tool changes on one is not seen on the other.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from mcp import Client, MCPError, StdioServerParameters

SAYSO, TOOLS = sys.argv[1], Path(sys.argv[2])
NODE = str(TOOLS / "node_modules/node/bin/node")
MODULES = TOOLS / "node_modules/@modelcontextprotocol"
BIN = Path(sys.executable).parent
OURS = {"request_human_review", "check_review", "await_review", "withdraw_review", "list_my_reviews"}
WAYS = ["stdio", "HTTP"]

POLICY = """
[[rule]]
tool = [
  "git_status", "git_log", "git_diff*", "git_show", "git_branch", "get_*", "convert_*", "read_*", "list_*",
  "directory_tree", "search_files", "echo", "get-*", "gzip-*", "toggle-*", "trigger-*", "simulate-*",
]
tier = "fyi"
"""

# Each tool of each server: first those that read, then those that change something, which wait.
READS = {
    "git": [
        ("git_status", {}), ("git_log", {}), ("git_show", {"revision": "HEAD"}), ("git_diff", {"target": "HEAD"}),
        ("git_diff_unstaged", {}), ("git_diff_staged", {}), ("git_branch", {"branch_type": "local"}),
    ],
    "time": [
        ("convert_time", {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}),
        ("get_current_time", {"timezone": "UTC"}), ("get_current_time", {"timezone": "Nowhere"}),
    ],
    "filesystem": [
        ("list_directory", {"path": "."}), ("read_text_file", {"path": "a.txt"}), ("read_file", {"path": "none"}),
        ("read_multiple_files", {"paths": ["a.txt", "none"]}), ("read_media_file", {"path": "a.png"}),
        ("list_directory_with_sizes", {"path": "."}),
        ("directory_tree", {"path": ".", "excludePatterns": [".git"]}), ("get_file_info", {"path": "a.txt"}),
        ("search_files", {"path": ".", "pattern": "a.*"}), ("list_allowed_directories", {}),
    ],
    "everything": [
        ("echo", {"message": "hé"}), ("get-sum", {"a": 1, "b": 2}), ("get-sum", {"a": "one"}), ("get-env", {}),
        ("get-annotated-message", {"messageType": "error", "includeImage": True}), ("get-tiny-image", {}),
        ("get-resource-links", {"count": 3}), ("get-structured-content", {"location": "Chicago"}),
        ("get-resource-reference", {"resourceType": "Text", "resourceId": 1}),
        ("gzip-file-as-resource", {"name": "a.gz", "data": "data:text/plain,hello", "outputType": "resource"}),
        ("trigger-long-running-operation", {"duration": 1, "steps": 2}), ("toggle-simulated-logging", {}),
        ("toggle-subscriber-updates", {}), ("simulate-research-query", {"topic": "x"}),
    ],
}
CHANGES = {
    "git": [
        ("git_add", {"files": ["b.txt"]}), ("git_commit", {"message": "Second"}), ("git_reset", {}),
        ("git_create_branch", {"branch_name": "side"}), ("git_checkout", {"branch_name": "side"}),
    ],
    "filesystem": [
        ("write_file", {"path": "c.txt", "content": "three\n"}), ("create_directory", {"path": "d"}),
        ("edit_file", {"path": "a.txt", "edits": [{"oldText": "one", "newText": "uno"}]}),
        ("move_file", {"source": "a.txt", "destination": "d/a.txt"}),
    ],
}
PROMPTS = {
    "simple-prompt": {}, "args-prompt": {"city": "Graz"},
    "completable-prompt": {"department": "Engineering", "name": "Alice"},
    "resource-prompt": {"resourceType": "Text", "resourceId": "1"},
}
# What these answer is another thing each time, or for each process.
OF_THE_MOMENT = {"get_current_time", "get_file_info", "get-env", "get-resource-reference", "toggle-simulated-logging",
                 "toggle-subscriber-updates", "gzip-file-as-resource"}
PATHS = {"path", "paths", "source", "destination"}
failed = 0


def check(what, ok, detail=""):
    global failed
    failed += not ok
    print(f"{'✓' if ok else '✗'} {what}{'' if ok else f': {detail}'}", flush=True)


def compare(what, one, other):
    detail = "" if one == other else f"{one!s:.600}\n  {other!s:.600}"
    check(what, one == other, detail)


def plain(thing):
    return thing.model_dump(mode="json", by_alias=True, exclude_none=True)


def folder_with_files(parent, name):
    """A repository whose commits have the same hash wherever they are made."""
    folder = parent / name
    folder.mkdir()
    (folder / "a.txt").write_text("one\n")
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for command in (
        ["init", "-q", "-b", "main"], ["config", "user.email", "a@b"], ["config", "user.name", "a"],
        ["add", "."], ["commit", "-q", "-m", "First"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    (folder / "b.txt").write_text("two\n")
    return folder


def program(server, folder):
    return {
        "git": (str(BIN / "mcp-server-git"), ["--repository", str(folder)]),
        "time": (str(BIN / "mcp-server-time"), ["--local-timezone", "UTC"]),
        "filesystem": (NODE, [str(MODULES / "server-filesystem/dist/index.js"), str(folder)]),
        "everything": (NODE, [str(MODULES / "server-everything/dist/index.js"), "stdio"]),
    }[server]


def at(server, folder, arguments):
    """A tool's arguments in that folder."""
    def placed(value):
        return [placed(item) for item in value] if isinstance(value, list) else str(folder / value)

    if server == "git":
        return {"repo_path": str(folder), **arguments}
    if server != "filesystem":
        return arguments
    return {key: placed(value) if key in PATHS else value for key, value in arguments.items()}


def stripped(tool, answer, folder):
    """An answer without what can't be the same: where, when, and what only we see."""
    if tool == "get-env":
        environment = json.loads(answer["content"][0]["text"])
        environment.pop("SAYSO_URL", None)
        return environment
    text = json.dumps(answer, sort_keys=True).replace(str(folder), "FOLDER")
    if tool in ("get_file_info", "get_current_time", "resource"):
        text = re.sub(r"\d\d?:\d\d:\d\d[^\\\"]*|\d{4}-\d\d-\d\dT[^\\\"]*", "WHEN", text)
    return text


async def asked(question):
    """What came of it, an error included."""
    try:
        answer = plain(await question)
        answer.pop("_meta", None)
        return answer
    except MCPError as error:
        return {"error": error.error.code, "message": error.error.message}


async def offered(client):
    """Everything a server offers, as it says it."""

    async def of(ask, member):
        try:
            return [plain(item) for item in getattr(await ask(), member)]
        except MCPError:
            return []

    tools = [tool for tool in await of(client.list_tools, "tools") if tool["name"] not in OURS]
    for tool in tools:
        tool.pop("outputSchema", None)
        # What the gateway adds stands in a paragraph of its own.
        tool["description"] = tool.get("description", "").split("Sayso (")[0].rstrip()
    return {
        "tools": tools,
        "resources": await of(client.list_resources, "resources"),
        "templates": await of(client.list_resource_templates, "resource_templates"),
        "prompts": await of(client.list_prompts, "prompts"),
    }


class Sayso:
    """A server of Sayso, an agent and a person."""

    def __init__(self, folder):
        self.data = folder / "data"
        self.data.mkdir()
        (self.data / "policy.toml").write_text(POLICY)
        command = [SAYSO, "--data", str(self.data), "--json", "serve", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.agent, self.person = self.add("agent", "add", "bot"), self.add("reviewer", "add", "ana")
        self.environment = {"SAYSO_URL": self.url, "SAYSO_TOKEN": self.agent}

    def add(self, *what):
        added = subprocess.run([SAYSO, "--data", str(self.data), *what, "--json"], check=True, capture_output=True)
        return json.loads(added.stdout)["token"]

    def approve(self, escalation, digest):
        request = urllib.request.Request(
            f"{self.url}/v1/escalations/{escalation}/decisions",
            json.dumps({"decision": "approve", "digest": digest}).encode(),
            {"authorization": f"Bearer {self.person}", "content-type": "application/json"},
        )
        urllib.request.urlopen(request).read()


async def same_offer(where, one, other):
    a, b = await offered(one), await offered(other)
    for part in a:
        compare(f"{where}: the same {len(a[part])} {part}", a[part], b[part])
    for resource in [*(item["uri"] for item in a["resources"]), "demo://resource/dynamic/text/1", "file:///none"]:
        if a["resources"]:
            a_read, b_read = await asked(one.read_resource(resource)), await asked(other.read_resource(resource))
            compare(f"{where}: {resource} reads the same", stripped("resource", a_read, "-"), stripped("resource", b_read, "-"))
    for prompt in a["prompts"]:
        sent = PROMPTS[prompt["name"]]
        a_got, b_got = [await asked(client.get_prompt(prompt["name"], sent)) for client in (one, other)]
        compare(f"{where}: the prompt {prompt['name']} is the same", stripped("resource", a_got, "-"), stripped("resource", b_got, "-"))
    known = {name for name, _ in READS.get(where.split(",")[0], []) + CHANGES.get(where.split(",")[0], [])}
    compare(f"{where}: each of its tools is tried", known, {tool["name"] for tool in a["tools"]})


async def same_answers(sayso, server, where, one, one_folder, other, other_folder):
    async def of(client, folder, tool, arguments):
        return await asked(client.call_tool(tool, at(server, folder, arguments)))

    for tool, sent in READS[server]:
        a = stripped(tool, await of(one, one_folder, tool, sent), one_folder)
        b = stripped(tool, await of(other, other_folder, tool, sent), other_folder)
        compare(f"{where}: {tool} answers the same", a, b)
    for tool, sent in CHANGES.get(server, []):
        pending = (await of(other, other_folder, tool, sent)).get("structuredContent", {})
        check(f"{where}: {tool} is held", pending.get("status") == "pending", pending)
        sayso.approve(pending["escalation"], pending["digest"])
        a = stripped(tool, await of(one, one_folder, tool, sent), one_folder)
        b = stripped(tool, await of(other, other_folder, tool, sent), other_folder)
        compare(f"{where}: {tool} is made after the say-so, and answers the same", a, b)


def inspected(url, *words):
    """What the Inspector's command line gets."""
    command = [NODE, str(MODULES / "inspector/clients/launcher/build/index.js"), "--cli", url, "--transport", "http"]
    made = subprocess.run([*command, *words], capture_output=True, text=True)
    return json.loads(made.stdout or "{}"), made.stderr


def by_inspector(server, url, folder):
    listed, log = inspected(url, "--method", "tools/list")
    check(f"{server}, Inspector: lists the tools", OURS < {tool["name"] for tool in listed.get("tools", [])}, log)
    tool, sent = READS[server][0]
    words = [word for key, value in at(server, folder, sent).items() for word in ("--tool-arg", f"{key}={value}")]
    made, log = inspected(url, "--method", "tools/call", "--tool-name", tool, *words)
    check(f"{server}, Inspector: calls {tool}", bool(made.get("content")) and not made.get("isError"), log)


async def main():
    os.environ.update(GIT_AUTHOR_DATE="1767225600 +0000", GIT_COMMITTER_DATE="1767225600 +0000")
    root = Path(tempfile.mkdtemp())
    sayso = Sayso(root)
    environment = {**os.environ, **sayso.environment}
    plan, doors = {}, []
    for server in READS:
        for way in WAYS:
            where = f"{server}, Python, {way}"
            one_folder, other_folder = (folder_with_files(root, f"{server}-{way}-{name}") for name in ("one", "other"))
            command, words = program(server, other_folder)
            config = root / f"{server}-{way}.json"
            config.write_text(json.dumps({"mcpServers": {server: {"command": command, "args": words}}}))
            gateway = ["gateway", "--grace", "0s", "--config", str(config)]
            if way == "stdio":
                through = StdioServerParameters(command=SAYSO, args=gateway, env=environment)
            else:
                command = [SAYSO, "--json", *gateway, "--listen", "127.0.0.1:0"]
                door = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                doors.append(door)
                through = json.loads(door.stdout.readline())["url"]
            command, words = program(server, one_folder)
            alone = StdioServerParameters(command=command, args=words, env=dict(os.environ))
            async with Client(alone) as one, Client(through) as other:
                # An old server is a modern one behind the gateway.
                older, newer = one.protocol_version, other.protocol_version
                check(f"{where}: the same protocol, or a later one", older <= newer, f"{older} {newer}")
                await same_offer(where, one, other)
                await same_answers(sayso, server, where, one, one_folder, other, other_folder)
        # What is left of the last way serves the other clients.
        by_inspector(server, through, other_folder)
        gateways = {
            "stdio": {"command": SAYSO, "args": gateway, "env": sayso.environment},
            "HTTP": {"url": through, "key": sayso.agent},
        }
        command, words = program(server, other_folder)
        # Nobody decides what waits here, so that nothing is made of it.
        never = [(tool, at(server, other_folder, sent)) for tool, sent in CHANGES.get(server, [])][:1]
        same = [(tool, at(server, other_folder, sent)) for tool, sent in READS[server] if tool not in OF_THE_MOMENT]
        prompts = list(PROMPTS.items()) if server == "everything" else []
        plan[server] = {
            "direct": {"command": command, "args": words}, "gateways": gateways,
            "same": same, "prompts": prompts, "held": never,
        }
    script = str(Path(__file__).with_suffix(".mjs"))
    found = subprocess.run([NODE, script, str(TOOLS)], input=json.dumps(plan), capture_output=True, text=True)
    for line in found.stdout.splitlines():
        finding = json.loads(line)
        check(finding["what"], finding["ok"], finding["detail"][:600])
    check("the TypeScript client came to its end", found.returncode == 0, found.stderr[-800:])
    for process in [*doors, sayso.process]:
        process.terminate()
    sys.exit(failed > 0)


asyncio.run(main())
