//! Several people at their terminals: one of each group, nobody who answers for the agent.

use std::process::Output;

use crate::server::{Server, json};

/// A reviewer of these groups.
fn member(server: &Server, name: &str, groups: &[&str]) -> String {
    let mut command = server.beside();
    command.args(["reviewer", "add", name, "--json"]);
    for group in groups {
        command.args(["--group", group]);
    }
    json(&command.output().unwrap())["token"].as_str().unwrap().to_owned()
}

#[test]
fn one_of_each_group_approves_and_none_who_answers_for_the_agent() {
    let server = Server::start();
    let [ana, bo, cy] = [("ana", "leads"), ("bo", "leads"), ("cy", "security")]
        .map(|(name, group)| member(&server, name, &[group]));
    let add = ["agent", "add", "bot", "--owner", "ana", "--json"];
    let bot = json(&server.beside().args(add).output().unwrap());
    let bot = bot["token"].as_str().unwrap();
    let asked = server.as_(bot).args(["ask", "--tool", "release", "--detach", "--json"]).output();
    let asked = json(&asked.unwrap());
    let id = asked["id"].as_str().unwrap();
    assert_eq!(asked["quorum_groups"]["security"], 1, "{asked}");
    assert_eq!(asked["answerable"][0], "ana", "{asked}");
    let says = |who: &str, word: &str| -> Output {
        let mut command = server.as_(who);
        command.args([word, id, "--json"]);
        if word == "approve" {
            command.arg("--yes");
        }
        command.output().unwrap()
    };

    let own = says(&ana, "approve");
    assert_eq!(own.status.code(), Some(1), "{own:?}");
    let told = String::from_utf8(own.stderr).unwrap();
    assert!(told.starts_with("ana answers for this agent"), "{told}");

    let first = json(&says(&bo, "approve"));
    assert_eq!((&first["state"], &first["approvals"]), (&"pending".into(), &1.into()), "{first}");
    let reason = first["reason"].as_str().unwrap();
    assert!(reason.contains("1 of leads and 1 of security (1 have)"), "{reason}");
    let none = json(&says(&bo, "retract"));
    assert_eq!((&none["state"], &none["approvals"]), (&"pending".into(), &0.into()), "{none}");

    assert_eq!(json(&says(&cy, "approve"))["state"], "pending");
    let granted = json(&says(&bo, "approve"));
    assert_eq!((&granted["outcome"], &granted["basis"]), (&"granted".into(), &"decision".into()));
    assert_eq!(granted["self_approved"], serde_json::Value::Null, "{granted}");
}
