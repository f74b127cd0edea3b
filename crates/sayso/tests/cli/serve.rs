//! `sayso serve`: starting, refusing to start, and stopping.

use std::process::Output;

use crate::server::{Server, sayso};

fn refused(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = sayso().args(arguments).output().unwrap();
    assert_eq!(status.code(), Some(2));
    String::from_utf8(stderr).unwrap()
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let server = Server::start();
    let data = server.data().to_str().unwrap();
    let said = refused(&["--data", data, "serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("in use by another `sayso serve`"), "{said}");
}

#[test]
fn an_address_in_use_is_refused_and_changes_nothing() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let listen = server.url.trim_start_matches("http://");
    let said = refused(&["--data", data.to_str().unwrap(), "serve", "--listen", listen]);
    assert!(said.contains("can't listen on") && said.contains("--listen"), "{said}");
    assert!(!data.exists());
}

#[test]
fn a_bad_policy_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, "[[rule]]\ntool = \"x\"\ntier = \"medium\"\n").unwrap();
    let data = folder.path().to_str().unwrap();
    let said = refused(&["--data", data, "serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("policy.toml") && said.contains('3'), "{said}");
    assert!(said.contains("\"fyi\", \"soft\" or \"hard\""), "{said}");
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("sayso.db")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    let data = folder.path().to_str().unwrap();
    let said = refused(&["--data", data, "serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("999") && said.contains("newer"), "{said}");
}

#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let data = folder.path().join("file/data");
    let data = data.to_str().unwrap();
    let said = refused(&["--data", data, "serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("can't be written") && said.contains("--data"), "{said}");
}

#[test]
fn it_stops_when_told_to_even_with_streams_open() {
    let server = Server::start();
    let ana = server.reviewer("ana");
    let _watching = server.watch(&ana);
    let (well, log) = server.stop();
    assert!(well && log.contains("stopping"), "{log}");
}
