"""Runs a client against the gateway, which stands before the server whose URL is the last argument."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sayso, *command, url = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    config = Path(folder) / "servers.json"
    config.write_text(json.dumps({"mcpServers": {"suite": {"url": url}}}))
    listening = [sayso, "--json", "gateway", "--listen", "127.0.0.1:0", "--config", str(config)]
    gateway = subprocess.Popen(listening, stdout=subprocess.PIPE)
    try:
        done = subprocess.run([*command, json.loads(gateway.stdout.readline())["url"]])
    finally:
        gateway.terminate()
        gateway.wait()
sys.exit(done.returncode)
