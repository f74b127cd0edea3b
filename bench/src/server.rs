//! A real server in a process of its own, on a folder or database of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What the server is to run on.
#[derive(Clone, Debug)]
pub(crate) enum Backing {
    /// SQLite in the data folder.
    Sqlite,
    /// A PostgreSQL database at that address.
    Postgres(String),
}

/// How to start a server.
pub(crate) struct Setup {
    pub(crate) binary: PathBuf,
    pub(crate) backing: Backing,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) policy: &'static str,
    pub(crate) address: String,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) ready_after: Duration,
}

impl Setup {
    /// A fresh folder and a free port.
    pub(crate) fn new(binary: &Path, backing: Backing, policy: &'static str) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("bench-policy.toml"), policy)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        Ok(Self { binary: binary.to_owned(), backing, folder, policy, address })
    }

    /// Another server on the same database.
    pub(crate) fn beside(&self) -> io::Result<Self> {
        Self::new(&self.binary, self.backing.clone(), self.policy)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--data").arg(self.folder.path());
        if let Backing::Postgres(url) = &self.backing {
            command.arg("--database").arg(url);
        }
        command
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn start(&self) -> io::Result<Server> {
        let started = Instant::now();
        let log = std::fs::File::create(self.folder.path().join("serve.log"))?;
        let child = self
            .command()
            .args(["serve", "--listen", &self.address, "--policy"])
            .arg(self.folder.path().join("bench-policy.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut server = Server { child, ready_after: Duration::ZERO };
        loop {
            if ready(&self.address) {
                server.ready_after = started.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                let log = std::fs::read_to_string(self.folder.path().join("serve.log"))?;
                return Err(io::Error::other(format!("the server ended ({status}): {log}")));
            }
            if started.elapsed() > Duration::from_secs(30) {
                return Err(io::Error::other("the server was not ready within 30 s"));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    fn add(&self, what: &str, name: &str) -> io::Result<String> {
        let output = self.command().args([what, "add", name, "--json"]).output()?;
        let added: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        added["token"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// Adds an agent; its key.
    pub(crate) fn agent(&self, name: &str) -> io::Result<String> {
        self.add("agent", name)
    }

    /// Adds a reviewer; their token.
    pub(crate) fn reviewer(&self, name: &str) -> io::Result<String> {
        self.add("reviewer", name)
    }
}

/// Whether `/readyz` answers 200: one attempt.
fn ready(address: &str) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return false };
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

impl Server {
    /// Resident memory, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        status
            .unwrap_or_default()
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse().ok())
            .map_or(0, |kib: u64| kib * 1024)
    }

    /// Kills it at once, as a power cut would.
    pub(crate) fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
