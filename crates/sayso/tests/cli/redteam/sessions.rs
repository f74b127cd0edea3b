//! Sessions and login links: put in place beforehand, guessed, stolen, spent, redirected.

use std::marker::PhantomData;
use std::sync::Barrier;

use sayso_core::credential::{AgentKey, InviteToken, LoginToken, ReviewerToken, SessionToken};

use super::raw::{cookie, log_in, login_path, send};
use crate::server::Server;

#[test]
fn a_session_that_was_set_beforehand_is_never_adopted() {
    let server = Server::start();
    server.reviewer("ana");
    server.reviewer("mallory");
    let mallorys = log_in(&server, "mallory");
    let made_up = format!("sayso=sayso_session_{}", "ab".repeat(32));
    for planted in [&mallorys, &made_up] {
        let link = login_path(&server, "ana");
        let answer = send(&server, "POST", &link, &[("cookie", planted)], "");
        let fresh = cookie(&answer);
        assert_ne!(&fresh, planted);
        let own = send(&server, "GET", "/inbox", &[("cookie", &fresh)], "");
        own.page(200, ">ana<");
        // What was planted is what it was before: mallory's own, or nobody's.
        let planted_page = send(&server, "GET", "/inbox", &[("cookie", planted)], "");
        assert!(!planted_page.text.contains(">ana<"), "{planted_page:?}");
    }
    let two = [log_in(&server, "ana"), log_in(&server, "ana")];
    assert_ne!(two[0], two[1], "each login has a session of its own");
    let nobodys = send(&server, "GET", "/inbox", &[("cookie", &made_up)], "");
    nobodys.page(401, "Log in");
}

#[test]
fn of_fifty_who_press_one_login_link_one_gets_in() {
    let server = Server::start();
    server.reviewer("ana");
    for _ in 0..4 {
        let link = login_path(&server, "ana");
        let start = Barrier::new(50);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let press = || {
                start.wait();
                let answer = send(&server, "POST", &link, &[], "");
                assert_eq!(answer.status == 303, answer.header("set-cookie").is_some());
                if answer.status != 303 {
                    answer.page(410, "A login link works once");
                }
                answer.status
            };
            let threads: Vec<_> = (0..50).map(|_| scope.spawn(press)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    }
}

#[test]
fn what_is_not_quite_a_login_link_lets_nobody_in() {
    let server = Server::start();
    let token = server.reviewer("ana");
    let link = login_path(&server, "ana");
    let session = log_in(&server, "ana").trim_start_matches("sayso=").to_owned();
    let digits = token.trim_start_matches("sayso_reviewer_");
    let near = [
        link[..link.len() - 1].to_owned(),
        format!("{link}0"),
        format!("{}00", &link[..link.len() - 2]),
        link.to_uppercase().replace("/LOGIN/", "/login/"),
        format!("/login/{session}"),
        format!("/login/{token}"),
        format!("/login/sayso_login_{digits}"),
        format!("/login/sayso_login_{}", session.trim_start_matches("sayso_session_")),
        "/login/..%2finbox".to_owned(),
        "/login/%00".to_owned(),
    ];
    for path in near {
        // A link that happens to end in two zeros is the link itself.
        if path == link {
            continue;
        }
        for method in ["GET", "POST"] {
            let answer = send(&server, method, &path, &[], "");
            answer.page(410, "This link is spent");
            assert!(answer.header("set-cookie").is_none(), "{path}");
        }
    }
    assert_eq!(send(&server, "POST", &link, &[], "").status, 303, "the real one still works");
}

#[test]
fn a_login_leads_to_the_inbox_and_to_no_other_place() {
    let server = Server::start();
    server.reviewer("ana");
    let lures = [
        ("?next=https://evil.example", ("x-forwarded-host", "evil.example")),
        ("?return_to=//evil.example", ("forwarded", "host=evil.example;proto=https")),
        ("?redirect=%2f%2fevil.example", ("referer", "https://evil.example/")),
        ("", ("host", "evil.example")),
    ];
    for (query, header) in lures {
        let path = format!("{}{query}", login_path(&server, "ana"));
        let answer = send(&server, "POST", &path, &[header], "next=https://evil.example");
        assert_eq!(answer.header("location"), Some("/inbox"), "{query} {header:?}");
        assert!(!format!("{answer:?}").contains("evil"), "{answer:?}");
    }
    // Not by a page either: links and forms are of the place where they stand.
    let poisoned = [("host", "evil.example"), ("x-forwarded-host", "evil.example")];
    for path in ["/", "/login", "/inbox", &login_path(&server, "ana"), "/v1/nothing"] {
        let answer = send(&server, "GET", path, &poisoned, "");
        assert!(!format!("{answer:?}").contains("evil"), "{path}: {answer:?}");
    }
}

#[test]
fn what_is_stored_opens_nothing() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let link = login_path(&server, "ana");
    let session = log_in(&server, "ana");
    let mut stored = Vec::new();
    for file in std::fs::read_dir(server.data()).unwrap().flatten() {
        if file.file_type().unwrap().is_file() {
            stored.extend(std::fs::read(file.path()).unwrap());
        }
    }
    let found = |needle: &[u8]| stored.windows(needle.len()).any(|window| window == needle);
    assert!(found(b"ana") && found(b"bot"), "this is where people and agents are kept");
    for secret in [&bot, &ana, &link, &session] {
        let digits = &secret[secret.len() - 64..];
        let bytes = hex::decode(digits).unwrap();
        assert!(!found(digits.as_bytes()) && !found(&bytes), "a secret is stored");
    }
}

/// Tells types that can be compared by `==` from those that can't.
struct Compared<T>(PhantomData<T>);

trait ByDefault {
    const BY_BYTES: bool = false;
}

impl<T> ByDefault for Compared<T> {}

impl<T: PartialEq> Compared<T> {
    const BY_BYTES: bool = true;
}

#[test]
fn no_code_can_compare_two_secrets_byte_by_byte() {
    const { assert!(Compared::<[u8; 32]>::BY_BYTES, "this is how it would show") };
    // What is compared are their hashes, of which a guess tells nothing, in constant time.
    const { assert!(!Compared::<AgentKey>::BY_BYTES) };
    const { assert!(!Compared::<ReviewerToken>::BY_BYTES) };
    const { assert!(!Compared::<SessionToken>::BY_BYTES) };
    const { assert!(!Compared::<LoginToken>::BY_BYTES) };
    const { assert!(!Compared::<InviteToken>::BY_BYTES) };
}
