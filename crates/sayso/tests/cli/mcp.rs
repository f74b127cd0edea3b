//! The tools for models, as MCP clients of both live revisions meet them, over both transports.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::server::Server;

/// How a client talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Revision {
    /// 2025-11-25: an `initialize` first.
    Legacy,
    /// 2026-07-28: every request says what it speaks.
    Modern,
}

enum Transport {
    Stdio { child: Child, input: ChildStdin, lines: BufReader<ChildStdout> },
    Http { url: String, token: String },
}

struct Client {
    transport: Transport,
    revision: Revision,
    next: u64,
}

impl Client {
    /// A client of each kind.
    fn all(server: &Server, token: &str) -> Vec<Self> {
        let mut clients = Vec::new();
        for revision in [Revision::Legacy, Revision::Modern] {
            clients.push(Self::start(Self::stdio(server, token), revision));
            let (url, token) = (format!("{}/mcp", server.url), token.to_owned());
            clients.push(Self::start(Transport::Http { url, token }, revision));
        }
        clients
    }

    fn stdio(server: &Server, token: &str) -> Transport {
        let mut command = server.as_(token);
        command.arg("mcp");
        Self::spawned(command)
    }

    fn spawned(mut command: Command) -> Transport {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Transport::Stdio { child, input, lines }
    }

    fn start(transport: Transport, revision: Revision) -> Self {
        let mut client = Self { transport, revision, next: 1 };
        match revision {
            Revision::Legacy => {
                let hello = json!({
                    "protocolVersion": "2025-11-25", "capabilities": {},
                    "clientInfo": {"name": "test", "version": "1"},
                });
                let answer = client.ask("initialize", hello);
                assert_eq!(answer["result"]["serverInfo"]["name"], "sayso", "{answer}");
                client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
            }
            Revision::Modern => {
                let answer = client.ask("server/discover", json!({}));
                let versions = answer["result"]["supportedVersions"].to_string();
                assert!(versions.contains("2026-07-28"), "{answer}");
            }
        }
        client
    }

    fn send(&mut self, message: &Value) -> Option<Value> {
        let expects = message.get("id").is_some();
        match &mut self.transport {
            Transport::Stdio { input, lines, .. } => {
                writeln!(input, "{message}").unwrap();
                let mut line = String::new();
                expects.then(|| {
                    lines.read_line(&mut line).unwrap();
                    serde_json::from_str(&line).unwrap()
                })
            }
            Transport::Http { url, token } => {
                let mut request = http_agent()
                    .post(&*url)
                    .header("authorization", format!("Bearer {token}"))
                    .header("accept", "application/json, text/event-stream")
                    .header("content-type", "application/json");
                if self.revision == Revision::Modern {
                    request = request
                        .header("mcp-protocol-version", "2026-07-28")
                        .header("mcp-method", message["method"].as_str().unwrap());
                    if let Some(name) = message["params"]["name"].as_str() {
                        request = request.header("mcp-name", name);
                    }
                } else {
                    request = request.header("mcp-protocol-version", "2025-11-25");
                }
                let mut answer = request.send(message.to_string()).unwrap();
                let body = answer.body_mut().read_to_string().unwrap();
                expects.then(|| serde_json::from_str(&body).unwrap_or_else(|_| panic!("{body}")))
            }
        }
    }

    fn ask(&mut self, method: &str, mut params: Value) -> Value {
        if self.revision == Revision::Modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            });
        }
        let id = self.next;
        self.next += 1;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let answer = self.send(&message).unwrap();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Calls a tool; checks that text and structure say the same, and gives the structure.
    #[expect(clippy::needless_pass_by_value, reason = "so that calls read like calls")]
    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(result["structuredContent"]["message"], text, "{answer}");
        let refused = result["structuredContent"]["status"] == "refused";
        assert_eq!(result["isError"] == true, refused, "{answer}");
        result["structuredContent"].clone()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Transport::Stdio { child, .. } = &mut self.transport {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn http_agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

#[test]
fn a_model_asks_goes_on_and_learns_what_people_decided() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    for (number, mut client) in Client::all(&server, &key).into_iter().enumerate() {
        let review =
            json!({"tier": "hard", "message": format!("I am about to send mail {number}.")});
        let asked = client.call("request_human_review", review.clone());
        assert_eq!((&asked["status"], &asked["tier"]), (&json!("pending"), &json!("hard")));
        let id = asked["escalation"].as_str().unwrap().to_owned();
        assert!(asked["message"].as_str().unwrap().starts_with("NOT DECIDED YET."), "{asked}");

        let again = client.call("request_human_review", review);
        assert_eq!(again["escalation"], asked["escalation"], "models repeat themselves");
        let open = client.call("list_my_reviews", json!({}));
        assert_eq!(open["reviews"].as_array().unwrap().len(), 1, "{open}");
        let waited = client.call("await_review", json!({"ids": [id], "seconds": 0}));
        assert_eq!(waited["reviews"][0]["status"], "pending");

        let done = server.as_(&ana).args(["approve", &id, "-y", "-c", "Fine."]).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        let waited = client.call("await_review", json!({"ids": id, "seconds": 30}));
        assert_eq!(waited["reviews"][0]["status"], "granted", "{waited}");
        assert!(waited["message"].as_str().unwrap().contains("ana says: Fine."), "{waited}");
        assert_eq!(client.call("list_my_reviews", json!({}))["reviews"], json!([]));
    }
}

#[test]
fn the_policy_is_a_floor_under_what_the_model_asks() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut client = Client::start(Client::stdio(&server, &key), Revision::Modern);
    let action = |tool: &str| json!({"tool": tool, "arguments": {"name": "x"}});
    for (tool, asks, becomes) in
        [("drop", "fyi", "hard"), ("note", "fyi", "fyi"), ("note", "hard", "hard")]
    {
        let review = json!({"tier": asks, "message": "m", "action": action(tool)});
        let asked = client.call("request_human_review", review);
        assert_eq!(asked["tier"], becomes, "{tool} asked as {asks}: {asked}");
    }
    let told = client.call("request_human_review", json!({"tier": "fyi", "message": "Done."}));
    assert_eq!(told["status"], "noted", "only its own words: {told}");
}

#[test]
fn what_was_approved_comes_back_exactly_also_when_it_was_edited() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut client = Client::start(Client::stdio(&server, &key), Revision::Legacy);
    let action = json!({"tool": "drop", "arguments": {"name": "prod"}});
    let asked = client.call(
        "request_human_review",
        json!({"tier": "hard", "message": "m", "action": action, "context_data": {"why": "w"}}),
    );
    let id = asked["escalation"].as_str().unwrap();
    let edit = json!({
        "decision": "approve", "digest": asked["digest"], "arguments": {"name": "staging"},
    });
    let url = format!("{}/v1/escalations/{id}/decisions", server.url);
    let request = http_agent().post(&url).header("authorization", format!("Bearer {ana}"));
    assert_eq!(request.send(edit.to_string()).unwrap().status(), 200);
    let granted = client.call("check_review", json!({"ids": [id]}))["reviews"][0].clone();
    assert_eq!(granted["action"], json!({"tool": "drop", "arguments": {"name": "staging"}}));
    assert!(granted["permit"].is_string(), "{granted}");
}

#[test]
fn questions_come_back_with_their_answers_and_defaults() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut client = Client::start(Client::stdio(&server, &key), Revision::Modern);
    let question = json!({"tier": "hard", "message": "A or B?", "options": ["A", "B"]});
    let asked = client.call("request_human_review", question);
    let id = asked["escalation"].as_str().unwrap();
    let done = server.as_(&ana).args(["answer", id, "B"]).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let answered = client.call("check_review", json!({"ids": [id]}))["reviews"][0].clone();
    assert_eq!((&answered["status"], &answered["answer"]), (&json!("answered"), &json!("B")));

    let unanswerable = json!({"tier": "soft", "message": "A or B?", "options": ["A", "B"]});
    let refused = client.call("request_human_review", unanswerable);
    assert_eq!(refused["status"], "refused");
    assert!(refused["message"].as_str().unwrap().contains("default"), "{refused}");
}

#[test]
fn what_no_longer_matters_is_withdrawn() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut client = Client::start(Client::stdio(&server, &key), Revision::Legacy);
    let asked = client.call("request_human_review", json!({"tier": "hard", "message": "m"}));
    let withdrawn = client.call("withdraw_review", json!({"ids": [asked["escalation"]]}));
    assert_eq!(withdrawn["reviews"][0]["status"], "withdrawn");
}

#[test]
fn mistakes_are_told_by_name_and_ask_for_nothing() {
    let server = Server::start();
    let (key, other) = (server.agent("bot"), server.agent("other"));
    let mut others = Client::start(Client::stdio(&server, &other), Revision::Legacy);
    let foreign = others.call("request_human_review", json!({"tier": "hard", "message": "m"}));
    let mut client = Client::start(Client::stdio(&server, &key), Revision::Modern);
    for (tool, arguments, says) in [
        ("request_human_review", json!({"message": "m"}), "tier"),
        ("request_human_review", json!({"tier": "medium", "message": "m"}), "`tier`"),
        ("request_human_review", json!({"tier": "hard", "message": " "}), "`message`"),
        ("request_human_review", json!({"tier": "hard", "message": "m", "contxt": 1}), "contxt"),
        (
            "request_human_review",
            json!({"tier": "hard", "message": "m", "window": "-1m"}),
            "window",
        ),
        ("check_review", json!({"ids": []}), "`ids`"),
        ("check_review", json!({"ids": ["../../v1/me"]}), "`ids`"),
        ("check_review", json!({"ids": [foreign["escalation"]]}), "there is no escalation"),
        ("await_review", json!({"ids": ["x"], "seconds": -1}), "`seconds`"),
        ("withdraw_review", json!({"ids": [foreign["escalation"]]}), ""),
    ] {
        let refused = client.call(tool, arguments.clone());
        assert_eq!(refused["status"], "refused", "{tool} {arguments}: {refused}");
        assert!(refused["message"].as_str().unwrap().contains(says), "{says}: {refused}");
    }
    let unknown = client.ask("tools/call", json!({"name": "approve_review", "arguments": {}}));
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    assert_eq!(client.call("list_my_reviews", json!({}))["reviews"], json!([]));
}

#[test]
fn no_tool_decides_edits_policy_or_adds_people() {
    let server = Server::start();
    let key = server.agent("bot");
    for mut client in Client::all(&server, &key) {
        let listed = client.ask("tools/list", json!({}));
        let tools = listed["result"]["tools"].as_array().unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        let expected = [
            "request_human_review",
            "check_review",
            "await_review",
            "withdraw_review",
            "list_my_reviews",
        ];
        assert_eq!(names, expected);
        for tool in tools {
            assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
            assert!(tool.get("outputSchema").is_none(), "clients drop what does not fit one");
        }
    }
}

#[test]
fn only_agents_come_in_and_only_from_here() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let url = format!("{}/mcp", server.url);
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let send = |token: Option<&str>, extra: Option<(&str, &str)>| {
        let mut request = http_agent()
            .post(&url)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some((name, value)) = extra {
            request = request.header(name, value);
        }
        request.send(hello.clone()).unwrap().status().as_u16()
    };
    assert_eq!(send(Some(&key), None), 200);
    assert_eq!(send(None, None), 401);
    assert_eq!(send(Some("sayso_agent_0"), None), 401);
    assert_eq!(send(Some(&ana), None), 403, "people don't ask through a model's door");
    assert_eq!(send(Some(&key), Some(("host", "evil.test"))), 403, "a name bound to our address");
    assert_eq!(send(Some(&key), Some(("origin", "http://localhost:3000"))), 200);
    assert_eq!(send(Some(&key), Some(("origin", "https://evil.test"))), 403, "another site's page");
}

#[test]
fn a_server_that_is_gone_grants_nothing_and_says_so() {
    let server = Server::start();
    let key = server.agent("bot");
    let mut client = Client::start(Client::stdio(&server, &key), Revision::Legacy);
    drop(server);
    let refused = client.call("request_human_review", json!({"tier": "fyi", "message": "m"}));
    assert_eq!(refused["status"], "refused");
    assert!(refused["message"].as_str().unwrap().contains("nothing is granted"), "{refused}");
}

#[test]
fn claude_codes_own_prompt_is_answered_by_people() {
    let server = Server::start();
    let (key, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut command = server.as_(&key);
    command.args(["mcp", "--permission-prompt", "--wait", "0s"]);
    let mut client = Client::start(Client::spawned(command), Revision::Legacy);
    let mut prompt = |tool: &str, input: Value| -> Value {
        let arguments = json!({"tool_name": tool, "input": input, "tool_use_id": "toolu_1"});
        let call = json!({"name": "permission_prompt", "arguments": arguments});
        let answer = client.ask("tools/call", call);
        let text = answer["result"]["content"][0]["text"].as_str();
        serde_json::from_str(text.unwrap_or_else(|| panic!("{answer}"))).unwrap()
    };
    let told = prompt("mcp__one__note", json!({"n": 1}));
    assert_eq!(told, json!({"behavior": "allow", "updatedInput": {"n": 1}}));

    let held = prompt("mcp__one__drop", json!({"n": 2}));
    assert_eq!(held["behavior"], "deny");
    let open = sayso_client::Client::new(&server.url, &key).list("state=pending").unwrap();
    let id = open.items[0].id.as_str();
    assert!(held["message"].as_str().unwrap().contains(id), "{held}");
    let edited = r#"{"n":3}"#;
    let approved = server.as_(&ana).args(["approve", id, "--yes", "--arguments", edited]).output();
    assert!(approved.unwrap().status.success());
    let granted = prompt("mcp__one__drop", json!({"n": 2}));
    assert_eq!(granted, json!({"behavior": "allow", "updatedInput": {"n": 3}}));
    assert_eq!(prompt("mcp__one__drop", json!({"n": 2}))["behavior"], "deny", "once");
    assert_eq!(prompt("no such tool!", json!({}))["behavior"], "deny");
}

#[test]
fn nobody_is_offered_the_prompt_that_did_not_ask_for_it() {
    let server = Server::start();
    let key = server.agent("bot");
    for mut client in Client::all(&server, &key) {
        let listed = client.ask("tools/list", json!({}));
        assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 5, "{listed}");
        let call = json!({"name": "permission_prompt", "arguments": {"tool_name": "x"}});
        assert_eq!(client.ask("tools/call", call)["error"]["code"], -32602);
    }
}
