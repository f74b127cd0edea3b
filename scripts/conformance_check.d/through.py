"""Runs a client against the gateway, which stands before the server whose URL is the last argument."""

import json
import subprocess
import sys
import tempfile

sayso, *command, url = sys.argv[1:]
with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
    json.dump({"mcpServers": {"suite": {"url": url}}}, config)
    config.flush()
    listening = [sayso, "--json", "gateway", "--listen", "127.0.0.1:0", "--config", config.name]
    gateway = subprocess.Popen(listening, stdout=subprocess.PIPE)
    try:
        done = subprocess.run([*command, json.loads(gateway.stdout.readline())["url"]])
    finally:
        gateway.terminate()
        gateway.wait()
sys.exit(done.returncode)
