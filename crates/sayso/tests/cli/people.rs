//! What scripts rely on when they add agents and people.

use crate::server::{Server, json};

#[test]
fn adding_prints_what_scripts_read_even_while_the_server_runs() {
    let server = Server::start();
    let agent = server.beside().args(["agent", "add", "bot", "--json"]).output().unwrap();
    let agent = json(&agent);
    assert_eq!(agent["name"], "bot");
    assert!(agent["token"].as_str().unwrap().starts_with("sayso_agent_"));
    let reviewer = server.beside().args(["reviewer", "add", "ana", "--json"]).output().unwrap();
    let reviewer = json(&reviewer);
    assert_eq!(reviewer["name"], "ana");
    assert!(reviewer["token"].as_str().unwrap().starts_with("sayso_reviewer_"));
    let link = reviewer["login_url"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}/login/sayso_login_", server.url)), "{link}");
    let asked = server
        .as_(agent["token"].as_str().unwrap())
        .args(["ask", "--tool", "note", "--json"])
        .output()
        .unwrap();
    assert_eq!(json(&asked)["outcome"], "noted");
}

#[test]
fn a_new_key_ends_the_old_one() {
    let server = Server::start();
    let old = server.agent("bot");
    let new = server.agent("bot");
    let ask =
        |key: &str| server.as_(key).args(["ask", "--tool", "note"]).output().unwrap().status.code();
    assert_eq!(ask(&new), Some(0));
    assert_eq!(ask(&old), Some(2));
}

#[test]
fn a_bad_name_or_role_is_refused_with_its_mend() {
    let server = Server::start();
    let add = |arguments: &[&str]| {
        let output = server.beside().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let name = add(&["agent", "add", "two words"]);
    assert!(name.contains("letters, digits and . _ - @"), "{name}");
    let role = add(&["reviewer", "add", "ana", "--role", "king"]);
    assert!(role.contains("\"reviewer\", \"policy_admin\", \"auditor\" or \"owner\""), "{role}");
}

#[test]
fn init_writes_a_policy_once_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let init = || {
        let mut command = crate::server::sayso();
        command.arg("--data").arg(folder.path()).args(["init", "--json"]);
        json(&command.output().unwrap())
    };
    assert_eq!(init()["wrote_policy"], true);
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, "default_tier = \"soft\"\n").unwrap();
    assert_eq!(init()["wrote_policy"], false);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "default_tier = \"soft\"\n");
}

fn printed(server: &Server, arguments: &[&str]) -> serde_json::Value {
    let output = server.beside().args(arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    json(&output)
}

#[test]
fn an_agent_is_bound_rotated_and_revoked_while_the_server_runs() {
    let server = Server::start();
    server.reviewer("ana");
    let bound = ["agent", "add", "bot", "--owner", "ana", "--tool", "note", "--tool", "mer*"];
    let old = printed(&server, &bound)["token"].as_str().unwrap().to_owned();
    let ask = |key: &str, tool: &str| {
        let output = server.as_(key).args(["ask", "--detach", "--tool", tool]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(ask(&old, "note").0, Some(0));
    let (code, said) = ask(&old, "drop");
    assert!(code == Some(1) || code == Some(2), "{code:?}");
    assert!(said.contains("may not propose the tool drop"), "{said}");
    let new = printed(&server, &["agent", "rotate", "bot"])["token"].as_str().unwrap().to_owned();
    assert_eq!((ask(&old, "note").0, ask(&new, "note").0), (Some(0), Some(0)));
    let listed = printed(&server, &["agent", "list"]);
    assert_eq!(listed[0]["owner"], "ana");
    assert_eq!(listed[0]["tools"], serde_json::json!(["note", "mer*"]));
    assert_eq!(listed[0]["keys"].as_array().unwrap().len(), 2);
    printed(&server, &["agent", "set", "bot", "--any-tool", "--no-owner"]);
    assert!(printed(&server, &["agent", "list"])[0]["tools"].is_null());
    printed(&server, &["agent", "revoke", "bot"]);
    assert_eq!(printed(&server, &["agent", "list"]), serde_json::json!([]));
}

#[test]
fn people_are_invited_changed_covered_and_removed() {
    let server = Server::start();
    server.reviewer("ana");
    server.reviewer("bo");
    let roles = ["--role", "reviewer", "--role", "auditor", "--group", "leads"];
    printed(&server, &[&["reviewer", "set", "ana"], &roles[..]].concat());
    printed(&server, &["reviewer", "cover", "ana", "bo", "--for", "2d"]);
    let listed = printed(&server, &["reviewer", "list"]);
    let of = |listed: &serde_json::Value, name: &str| {
        listed.as_array().unwrap().iter().find(|it| it["name"] == name).cloned()
    };
    let ana = of(&listed, "ana").unwrap();
    assert_eq!(ana["roles"], serde_json::json!(["reviewer", "auditor"]));
    assert_eq!(ana["groups"], serde_json::json!(["leads"]));
    assert_eq!(of(&listed, "bo").unwrap()["stands_in_for"], serde_json::json!(["ana"]));
    let invited = printed(&server, &["reviewer", "invite", "--role", "auditor"]);
    let link = invited["invite_url"].as_str().unwrap();
    let page = ureq::get(link).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(page.contains("the operator") && page.contains("auditor"), "{page}");
    printed(&server, &["reviewer", "remove", "ana"]);
    assert_eq!(of(&printed(&server, &["reviewer", "list"]), "ana"), None);
}

#[test]
fn a_person_makes_and_ends_tokens_of_their_own_and_the_operator_anybodys() {
    let server = Server::start();
    let ana = server.reviewer("ana");
    let own = |arguments: &[&str]| {
        let output = server.as_(&ana).args(arguments).arg("--json").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        json(&output)
    };
    let made = own(&["token", "issue", "laptop", "--scope", "read", "--for", "1d"]);
    let token = made["token"].as_str().unwrap();
    let me = server.as_(token).args(["token", "list", "--json"]).output().unwrap();
    let listed = json(&me);
    let laptop = listed.as_array().unwrap().iter().find(|it| it["label"] == "laptop").unwrap();
    assert_eq!(
        (&laptop["scopes"], &laptop["current"]),
        (&serde_json::json!(["read"]), &true.into())
    );
    let id = made["id"].as_str().unwrap();
    own(&["token", "revoke", id]);
    let refused = server.as_(token).args(["token", "list"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));

    let made = printed(&server, &["token", "issue", "--reviewer", "ana", "desk"]);
    let listed = printed(&server, &["token", "list", "--reviewer", "ana"]);
    assert!(listed.as_array().unwrap().iter().any(|it| it["id"] == made["id"]));
    let id = made["id"].as_str().unwrap();
    printed(&server, &["token", "revoke", "--reviewer", "ana", id]);
    assert_eq!(own(&["session", "list"]), serde_json::json!([]));
    assert_eq!(printed(&server, &["session", "list", "--reviewer", "ana"]), serde_json::json!([]));
}
