//! Logging in at an identity provider: what its file must say, and the way there and back, with a
//! real provider (see `sayso-web/tests/web/oidc.rs`) and without a browser's help.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::server::{Server, json as printed, sayso};

/// The provider's process. It ends with its input.
struct Provider {
    issuer: String,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    process: Child,
}

impl Provider {
    fn start(site: &str) -> Self {
        let cache = || {
            let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
            cache.unwrap_or_else(home).join("sayso/oidc-provider")
        };
        let folder = std::env::var_os("SAYSO_TEST_OIDC").map_or_else(cache, PathBuf::from);
        assert!(folder.join("node_modules/oidc-provider").exists(), "see scripts/setup");
        let script = "../sayso-web/tests/web/oidc/provider.mjs";
        let mut process = Command::new("node")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
            .arg(folder)
            .arg(format!("{site}/login/oidc/callback"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is needed: see scripts/setup");
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut provider = Self { issuer: String::new(), input, output, process };
        provider.issuer = provider.line();
        provider
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the provider ended");
        line.trim().to_owned()
    }

    fn put(&mut self, groups: &Value) {
        writeln!(self.input, "{}", json!({"groups": groups})).unwrap();
        assert_eq!(self.line(), "done");
    }

    /// The operator's file about it.
    fn file(&self, folder: &Path) -> PathBuf {
        let file = folder.join("provider.toml");
        let text = format!(
            "issuer = \"{}\"\nname = \"Example\"\nclient_id = \"sayso\"\n\
             client_secret_file = \"secret\"\n[roles]\nreviewer = \"approvers\"\n\
             auditor = \"readers\"\n",
            self.issuer
        );
        std::fs::write(&file, text).unwrap();
        std::fs::write(folder.join("secret"), "not-a-secret\n").unwrap();
        file
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Somebody who follows links and fills in forms.
struct Visitor {
    agent: ureq::Agent,
    /// By host and name.
    cookies: BTreeMap<(String, String), String>,
    /// An address like this they do not follow.
    wary_of: Option<&'static str>,
}

/// Where somebody has come to.
#[derive(Debug)]
struct Page {
    url: String,
    status: u16,
    text: String,
}

impl Visitor {
    fn new() -> Self {
        let settings = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        Self { agent: settings.build().into(), cookies: BTreeMap::new(), wary_of: None }
    }

    fn go(&mut self, url: &str) -> Page {
        self.follow(url.to_owned(), None)
    }

    /// Goes there, and on to wherever that leads.
    fn follow(&mut self, mut url: String, mut form: Option<String>) -> Page {
        for _ in 0..10 {
            let host = url.split('/').nth(2).unwrap().to_owned();
            let ours = self.cookies.iter().filter(|((of, _), _)| *of == host);
            let ours: Vec<_> = ours.map(|((_, name), value)| format!("{name}={value}")).collect();
            let cookies = ours.join("; ");
            let answer = match form.take() {
                None => self.agent.get(&url).header("cookie", cookies).call(),
                Some(form) => {
                    let post = self.agent.post(&url).header("cookie", cookies);
                    post.content_type("application/x-www-form-urlencoded").send(form)
                }
            };
            let mut answer = answer.unwrap();
            for cookie in answer.headers().get_all("set-cookie") {
                let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                self.cookies.insert((host.clone(), name.to_owned()), value.to_owned());
            }
            let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
            let Some(to) = to else {
                let text = answer.body_mut().read_to_string().unwrap();
                return Page { url, status: answer.status().as_u16(), text };
            };
            url = match to.starts_with('/') {
                true => format!("http://{host}{to}"),
                false => to,
            };
            if self.wary_of.is_some_and(|part| url.contains(part)) {
                return Page { url, status: answer.status().as_u16(), text: String::new() };
            }
        }
        panic!("it leads nowhere: {url}");
    }

    /// Logs in at the provider, which is not Sayso's business; where that ends.
    fn log_in(&mut self, server: &Server, person: &str) -> Page {
        let mut page = self.go(&format!("{}/login/oidc", server.url));
        for form in [format!("prompt=login&login={person}&password=any"), "prompt=consent".into()] {
            if page.url.contains("/interaction/") {
                let (_, after) = page.text.split_once("action=\"").expect("a form");
                let to = after.split('"').next().unwrap().to_owned();
                page = self.follow(to, Some(form));
            }
        }
        page
    }
}

fn people(server: &Server) -> Vec<(String, Value)> {
    let listed = server.beside().args(["reviewer", "list", "--json"]).output().unwrap();
    let of = |it: &Value| (it["name"].as_str().unwrap().to_owned(), it["roles"].clone());
    printed(&listed).as_array().unwrap().iter().map(of).collect()
}

/// Links a person to who the provider says they are; the exit code, and what is said.
fn link(server: &Server, person: &str, issuer: &str, subject: &str) -> (Option<i32>, String) {
    let link = ["reviewer", "link", person, issuer, subject];
    let output = server.beside().args(link).output().unwrap();
    let said = [&output.stdout[..], &output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// A server that lets people log in at a provider; ana is here already.
fn with_provider() -> (Server, Provider) {
    let server = Server::start();
    server.reviewer("ana");
    // Each has to know the other's address, so the server starts once more.
    let provider = Provider::start(&server.url);
    let listen = server.url.trim_start_matches("http://").to_owned();
    let folder = server.ended();
    let file = provider.file(folder.path());
    let server = Server::with(folder, None, &listen, &["--oidc", file.to_str().unwrap()]);
    (server, provider)
}

#[test]
fn people_log_in_at_the_provider_and_who_was_here_before_once_they_are_linked() {
    let (mut server, mut provider) = with_provider();
    server.says("people can log in at the identity provider");
    provider.put(&json!({"ana": ["readers"], "pia": ["approvers"], "eve": ["others"]}));
    let page = Visitor::new().go(&format!("{}/login", server.url));
    assert!(
        page.text.contains("href=\"/login/oidc\"") && page.text.contains("Example"),
        "{page:?}"
    );

    let mut pia = Visitor::new();
    let page = pia.log_in(&server, "pia");
    assert_eq!((page.status, page.url), (200, format!("{}/inbox", server.url)), "{}", page.text);
    let role = |name: &str| people(&server).into_iter().find(|(it, _)| it == name);
    assert_eq!(role("pia"), Some(("pia".into(), json!(["reviewer"]))));
    let page = Visitor::new().log_in(&server, "eve");
    assert_eq!(page.status, 403);
    assert!(page.text.contains("none of your groups"), "{}", page.text);
    assert_eq!(role("eve"), None);

    let mut ana = Visitor::new();
    let page = ana.log_in(&server, "ana");
    assert_eq!(page.status, 403);
    assert!(page.text.contains("sayso reviewer link ana"), "{}", page.text);
    let (code, said) = link(&server, "ana", &provider.issuer, "ana");
    assert_eq!((code, said), (Some(0), format!("ana may log in at {}.\n", provider.issuer)));
    let page = ana.log_in(&server, "ana");
    assert_eq!((page.status, page.url), (200, format!("{}/inbox", server.url)), "{}", page.text);
    assert_eq!(role("ana"), Some(("ana".into(), json!(["reviewer"]))), "what ana was given here");
}

#[test]
fn one_account_at_the_provider_is_one_person_here() {
    let (server, provider) = with_provider();
    server.reviewer("bo");
    assert_eq!(link(&server, "ana", &provider.issuer, "248").0, Some(0));
    for (person, says) in
        [("bo", "calls another person \"248\""), ("nobody", "there is no reviewer nobody")]
    {
        let (code, said) = link(&server, person, &provider.issuer, "248");
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn what_is_wrong_with_the_file_is_said_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("oidc.toml"));
    let whole =
        "issuer = \"https://id.example\"\nclient_id = \"sayso\"\n[roles]\nreviewer = \"a\"\n";
    let refused = |says: &str| {
        let mut serve = sayso();
        serve.arg("--data").arg(&data).args(["serve", "--listen", "127.0.0.1:0", "--oidc"]);
        let output = serve.arg(&file).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("oidc.toml") && said.contains(says), "{said}\nshould say: {says}");
        assert!(!data.exists(), "nothing was begun");
    };
    refused("can't read");
    for (from, to, says) in [
        ("https://", "http://", "`issuer`: \"http://id.example\" must begin with https://"),
        ("\"sayso\"", "\"\"", "`client_id`: is empty; the provider gives one to each client"),
        ("client_id", "client", "unknown field `client`"),
        ("reviewer = \"a\"", "", "`roles`: names no group, so that nobody could log in"),
        ("reviewer", "king", "`reviewer`, `policy_admin`, `auditor`, `owner`"),
    ] {
        std::fs::write(&file, whole.replace(from, to)).unwrap();
        refused(says);
    }
}

#[test]
fn while_the_provider_is_away_the_server_runs_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "issuer = \"http://127.0.0.1:1\"\nclient_id = \"sayso\"\n[roles]\nreviewer = \"a\"\n";
    // Where it is looked for if nobody names it.
    std::fs::write(folder.path().join("oidc.toml"), text).unwrap();
    let mut server = Server::on(folder, None, "127.0.0.1:0");
    server.says("nobody can log in at the identity provider now");
    let page = Visitor::new().go(&format!("{}/login/oidc", server.url));
    assert_eq!(page.status, 502);
    assert!(page.text.contains("The provider does not answer"), "{}", page.text);
}

const CALLBACK: &str = "/login/oidc/callback";

impl Visitor {
    /// The session that the browser holds.
    fn session(&self, server: &Server) -> Option<String> {
        let host = server.url.trim_start_matches("http://").to_owned();
        self.cookies.get(&(host, "sayso".to_owned())).cloned()
    }

    /// Has the browser hold that one.
    fn set_session(&mut self, server: &Server, session: &str) {
        let host = server.url.trim_start_matches("http://").to_owned();
        self.cookies.insert((host, "sayso".to_owned()), session.to_owned());
    }

    fn me(&mut self, server: &Server) -> Page {
        self.go(&format!("{}/inbox/me", server.url))
    }
}

#[test]
fn a_login_at_the_provider_opens_a_session_of_its_own_and_leads_to_the_inbox() {
    let (server, mut provider) = with_provider();
    provider.put(&json!({"pia": ["approvers"]}));
    // An attacker who is somebody here has Pia's browser hold their session beforehand.
    let mut attacker = Visitor::new();
    let link = server.beside().args(["reviewer", "login", "ana", "--json"]).output().unwrap();
    let link = printed(&link)["login_url"].as_str().unwrap().to_owned();
    attacker.follow(link, Some(String::new()));
    let theirs = attacker.session(&server).unwrap();
    for set_beforehand in [theirs.clone(), format!("sayso_session_{}", "7".repeat(64))] {
        let mut pia = Visitor::new();
        pia.set_session(&server, &set_beforehand);
        let page = pia.log_in(&server, "pia");
        assert_eq!((page.status, page.url), (200, format!("{}/inbox", server.url)));
        assert_ne!(pia.session(&server).unwrap(), set_beforehand);
        assert!(pia.me(&server).text.contains("pia"));
    }
    assert!(attacker.me(&server).text.contains("ana"), "and nobody else");

    // Wherever somebody would have it lead, begin and end are the server's own.
    for more in ["?next=https://evil.example", "?redirect_uri=https://evil.example&return_to=//x"] {
        let begun = Visitor { wary_of: Some("/auth?"), ..Visitor::new() }
            .go(&format!("{}/login/oidc{more}", server.url));
        assert!(begun.url.starts_with(&provider.issuer), "{begun:?}");
        assert!(!begun.url.contains("evil"), "{begun:?}");
    }
    let mut pia = Visitor { wary_of: Some(CALLBACK), ..Visitor::new() };
    let back = pia.log_in(&server, "pia").url;
    pia.wary_of = None;
    let page = pia.go(&format!("{back}&next=https://evil.example&redirect=//evil.example"));
    assert_eq!((page.status, page.url), (200, format!("{}/inbox", server.url)), "{}", page.text);
}

#[test]
fn a_login_that_another_browser_began_logs_nobody_in_and_none_is_finished_twice() {
    let (server, mut provider) = with_provider();
    provider.put(&json!({"pia": ["approvers"], "mallory": ["approvers"]}));
    // Mallory logs in up to the last step, and has Pia make that.
    let mut mallory = Visitor { wary_of: Some(CALLBACK), ..Visitor::new() };
    let back = mallory.log_in(&server, "mallory").url;
    assert!(back.contains(CALLBACK), "{back}");
    let mut pia = Visitor::new();
    for _ in 0..2 {
        let page = pia.go(&back);
        assert_eq!(page.status, 400, "{}", page.text);
        assert!(page.text.contains("This browser did not begin that login"), "{}", page.text);
        assert_eq!(pia.me(&server).status, 401);
        // Also when she has begun one of her own.
        pia.wary_of = Some("/auth?");
        pia.go(&format!("{}/login/oidc", server.url));
        pia.wary_of = None;
    }
    // It is good in the browser that began it, once; also with what that held then.
    mallory.wary_of = None;
    let held = mallory.cookies.clone();
    assert_eq!(mallory.go(&back).url, format!("{}/inbox", server.url));
    let mut again = Visitor { cookies: held, ..Visitor::new() };
    let page = again.go(&back);
    assert_eq!(page.status, 502, "{}", page.text);
    assert!(page.text.contains("A login can be finished once only"), "{}", page.text);
    assert_eq!(again.me(&server).status, 401);
    assert_eq!(mallory.go(&back).status, 400, "the attempt is over");
}
