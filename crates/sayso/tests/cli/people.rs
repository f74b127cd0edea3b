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
