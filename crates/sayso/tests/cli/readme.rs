//! What the README tells people to paste.

use std::net::TcpListener;
use std::path::Path;

use crate::server::sayso;

const README: &str = include_str!("../../../../README.md");

#[test]
fn the_three_tiers_in_curl_work_when_pasted() {
    let block = README.split("```bash\n").nth(1).unwrap().split("```").next().unwrap();
    let (_, rest) = block.split_once("export PATH").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let binary = Path::new(env!("CARGO_BIN_EXE_sayso")).parent().unwrap();
    // As it stands, but for what is built already and the port, which may be taken here.
    let script = format!("export PATH{rest}kill $(jobs -p)\n")
        .replace("$PWD/target/release", binary.to_str().unwrap())
        .replace("sayso serve", &format!("sayso serve --listen 127.0.0.1:{port}"))
        .replace("127.0.0.1:7717", &format!("127.0.0.1:{port}"));
    let mut bash = sayso_free_shell();
    let output = bash.arg("-c").arg(&script).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    for outcome in ["\"outcome\":\"noted\"", "\"basis\":\"silence\"", "\"basis\":\"decision\""] {
        assert!(printed.contains(outcome), "no {outcome}: {output:?}");
    }
}

/// A shell with no environment of the tester's.
fn sayso_free_shell() -> std::process::Command {
    let mut bash = std::process::Command::new("bash");
    for (name, _) in sayso().get_envs() {
        bash.env_remove(name);
    }
    bash
}
