"""Official servers, by the official Python client, with and without the gateway in between.

What a server offers and answers must be the same through the gateway, but for what the gateway
changes on purpose: output schemas are dropped, and its own tools are added.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from mcp import Client, MCPError, StdioServerParameters

SAYSO, TOOLS = sys.argv[1], Path(sys.argv[2])
OURS = {"request_human_review", "check_review", "await_review", "withdraw_review", "list_my_reviews"}

POLICY = """
[[rule]]
tool = ["git_status", "git_log", "git_diff*", "git_show", "get_*", "convert_*", "read_*", "list_*", "echo", "get-*"]
tier = "fyi"
"""


def plain(thing):
    return thing.model_dump(mode="json", by_alias=True, exclude_none=True)


async def offered(client):
    """Everything a server offers, as it says it."""

    async def of(ask, member):
        try:
            return [plain(item) for item in getattr(await ask(), member)]
        except MCPError:
            return "none"

    tools = [tool for tool in await of(client.list_tools, "tools") if tool["name"] not in OURS]
    for tool in tools:
        tool.pop("outputSchema", None)
        # What the gateway adds stands in a paragraph of its own.
        said = tool.get("description", "").split("Sayso (")[0].rstrip()
        tool["description"] = said
    return {
        "tools": tools,
        "resources": await of(client.list_resources, "resources"),
        "templates": await of(client.list_resource_templates, "resource_templates"),
        "prompts": await of(client.list_prompts, "prompts"),
    }


async def called(client, tool, arguments):
    result = plain(await client.call_tool(tool, arguments))
    result.pop("_meta", None)
    return result


def decide(url, token, escalation, digest):
    request = urllib.request.Request(
        f"{url}/v1/escalations/{escalation}/decisions",
        json.dumps({"decision": "approve", "digest": digest}).encode(),
        {"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    urllib.request.urlopen(request).read()


async def main():
    folder = Path(tempfile.mkdtemp())
    repository = folder / "repository"
    repository.mkdir()
    for command in (["init", "-q", "-b", "main"], ["config", "user.email", "a@b"], ["config", "user.name", "a"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    (repository / "a.txt").write_text("one\n")

    data = folder / "data"
    data.mkdir()
    (data / "policy.toml").write_text(POLICY)
    command = [SAYSO, "--data", str(data), "--json", "serve", "--listen", "127.0.0.1:0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    url = json.loads(server.stdout.readline())["url"]

    def add(*what):
        added = subprocess.run([SAYSO, "--data", str(data), *what, "--json"], check=True, capture_output=True)
        return json.loads(added.stdout)["token"]

    agent, reviewer = add("agent", "add", "bot"), add("reviewer", "add", "ana")
    node = str(TOOLS / "node_modules/node/bin/node")
    modules = TOOLS / "node_modules/@modelcontextprotocol"
    bin = Path(sys.executable).parent
    servers = {
        "git": (str(bin / "mcp-server-git"), ["--repository", str(repository)]),
        "time": (str(bin / "mcp-server-time"), ["--local-timezone", "UTC"]),
        "filesystem": (node, [str(modules / "server-filesystem/dist/index.js"), str(repository)]),
        "everything": (node, [str(modules / "server-everything/dist/index.js"), "stdio"]),
    }
    same = {
        "git": [("git_status", {"repo_path": str(repository)})],
        "time": [("convert_time", {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"})],
        "filesystem": [("read_text_file", {"path": str(repository / "a.txt")}), ("list_directory", {"path": str(repository)})],
        "everything": [("echo", {"message": "hé"}), ("get-sum", {"a": 1, "b": 2})],
    }
    held = {
        "git": ("git_add", {"repo_path": str(repository), "files": ["a.txt"]}),
        "filesystem": ("write_file", {"path": str(repository / "b.txt"), "content": "two\n"}),
    }
    environment = {**os.environ, "SAYSO_URL": url, "SAYSO_TOKEN": agent}
    failed = 0

    def check(what, ok, detail=""):
        nonlocal failed
        failed += not ok
        print(f"{'✓' if ok else '✗'} {what}{'' if ok else f': {detail}'}")

    for name, (program, arguments) in servers.items():
        config = folder / f"{name}.json"
        config.write_text(json.dumps({"mcpServers": {name: {"command": program, "args": arguments}}}))
        direct = StdioServerParameters(command=program, args=arguments)
        gateway = StdioServerParameters(
            command=SAYSO, args=["gateway", "--grace", "0s", "--config", str(config)], env=environment
        )
        async with Client(direct) as one, Client(gateway) as other:
            # An old server is a modern one behind the gateway.
            check(f"{name}: the same protocol, or a later one", one.protocol_version <= other.protocol_version,
                  f"{one.protocol_version} {other.protocol_version}")
            a, b = await offered(one), await offered(other)
            for part in a:
                check(f"{name}: the same {part}", a[part] == b[part], f"{a[part]!r:.300} {b[part]!r:.300}")
            for tool, sent in same[name]:
                a, b = await called(one, tool, sent), await called(other, tool, sent)
                check(f"{name}: {tool} answers the same", a == b, f"{a} {b}")
            if name in held:
                tool, sent = held[name]
                pending = (await called(other, tool, sent))["structuredContent"]
                check(f"{name}: {tool} is held", pending["status"] == "pending", pending)
                decide(url, reviewer, pending["escalation"], pending["digest"])
                a = await called(other, tool, sent)
                check(f"{name}: {tool} is made after the say-so", not a.get("isError"), a)
    plan, doors = {}, []
    for name, (program, arguments) in servers.items():
        config = folder / f"{name}.json"
        listening = [SAYSO, "--json", "gateway", "--grace", "0s", "--listen", "127.0.0.1:0", "--config", str(config)]
        door = subprocess.Popen(listening, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        doors.append(door)
        door_url = json.loads(door.stdout.readline())["url"]
        async with Client(StdioServerParameters(command=program, args=arguments)) as one, Client(door_url) as other:
            a, b = await offered(one), await offered(other)
            check(f"{name}, Python, HTTP: the same offer", a == b, f"{a!r:.300} {b!r:.300}")
            for tool, sent in same[name]:
                a, b = await called(one, tool, sent), await called(other, tool, sent)
                check(f"{name}, Python, HTTP: {tool} answers the same", a == b, f"{a} {b}")
        stdio = {"command": SAYSO, "args": ["gateway", "--grace", "0s", "--config", str(config)],
                 "env": {"SAYSO_URL": url, "SAYSO_TOKEN": agent}}
        # Nobody decides these, so that nothing is made of them.
        never = {"git": ("git_commit", {"repo_path": str(repository), "message": "no"}),
                 "filesystem": ("write_file", {"path": str(repository / "c.txt"), "content": "no"})}
        plan[name] = {"direct": {"command": program, "args": arguments}, "same": same[name], "held": never.get(name),
                      "gateways": {"stdio": stdio, "HTTP": {"url": door_url, "key": agent}}}
        listed = subprocess.run(
            [node, str(modules / "inspector/cli/build/cli.js"), door_url, "--transport", "http", "--method", "tools/list"],
            capture_output=True, text=True,
        )
        names = {tool["name"] for tool in json.loads(listed.stdout or "{}").get("tools", [])}
        check(f"{name}: the Inspector lists the tools", OURS < names, listed.stderr)
        tool, sent = same[name][0]
        words = [word for key, value in sent.items() for word in ("--tool-arg", f"{key}={value}")]
        made = subprocess.run(
            [node, str(modules / "inspector/cli/build/cli.js"), door_url, "--transport", "http",
             "--method", "tools/call", "--tool-name", tool, *words],
            capture_output=True, text=True,
        )
        result = json.loads(made.stdout or "{}")
        check(f"{name}: the Inspector calls {tool}", bool(result.get("content")) and not result.get("isError"), made.stderr)
    script = str(Path(__file__).with_suffix(".mjs"))
    found = subprocess.run([node, script, str(TOOLS)], input=json.dumps(plan), capture_output=True, text=True)
    for line in found.stdout.splitlines():
        finding = json.loads(line)
        check(finding["what"], finding["ok"], finding["detail"][:600])
    check("the TypeScript client came to its end", found.returncode == 0, found.stderr[-800:])
    for door in doors:
        door.terminate()
    status = subprocess.run(["git", "status", "--porcelain"], cwd=repository, capture_output=True, text=True).stdout
    check("the repository is as it must be", status == "A  a.txt\n?? b.txt\n", status)
    server.terminate()
    sys.exit(failed > 0)


asyncio.run(main())
