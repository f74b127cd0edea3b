//! A real PostgreSQL server, private to the test process, and a fresh database for each test.
//!
//! `SAYSO_TEST_POSTGRES` (the address of a server, `postgres://user@host`) makes tests use that
//! one instead; they leave their databases (`sayso_test_…`) there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use tokio_postgres::{Config, NoTls};

const VARIABLE: &str = "SAYSO_TEST_POSTGRES";
/// How long the server may take to come up.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs a server for as long as its standard input is open: however the test process ends, the
/// kernel closes that, the server stops and its files go. Nothing has to be dropped for it.
const WATCHDOG: &str = r#"
set -eu
trap '' PIPE
bin=$1 port=$2
dir=$(mktemp -d "${TMPDIR:-/tmp}/sayso-postgres.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
"$bin/initdb" --pgdata=data --username=sayso --auth=trust --encoding=UTF8 --locale=C \
    --no-sync >log 2>&1 || { cat log; exit 1; }
server=
start() {
    "$bin/postgres" -D data -h 127.0.0.1 -p "$port" -k "$dir" -c fsync=on \
        -c max_connections=300 -c shared_buffers=128MB >>log 2>&1 &
    server=$!
}
# A background process ignores INT until PostgreSQL cuts its connections on it; TERM would wait for
# them, but is never ignored.
stop() {
    kill -TERM "$server" && kill -INT "$server" && wait "$server" || true
}
start
echo started || true
while read -r order; do
    "$order"
    echo done || true
done
stop
"#;

/// A PostgreSQL server of the test's own, to be stopped and started at will. It ends when this is
/// dropped.
pub struct Server {
    port: u16,
    watchdog: Mutex<Watchdog>,
}

struct Watchdog {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a server.
    ///
    /// # Panics
    /// If there is no PostgreSQL on this machine, or it does not come up.
    pub fn start() -> Self {
        let binaries = binaries();
        // Somebody may take the port between our looking and PostgreSQL's.
        (0..3)
            .find_map(|_| Self::start_once(&binaries))
            .expect("PostgreSQL has a free port on 127.0.0.1")
    }

    #[expect(clippy::zombie_processes, reason = "it ends when its standard input does")]
    fn start_once(binaries: &Path) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").expect("127.0.0.1 has a free port");
        let port = free.local_addr().expect("a bound socket has an address").port();
        drop(free);
        let mut child = unprivileged("sh")
            .args(["-c", WATCHDOG, "sayso-postgres"])
            .arg(binaries)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // An interrupt at the terminal is for the tests; the watchdog sees how they end.
            .process_group(0)
            .spawn()
            .expect("a shell runs");
        let orders = child.stdin.take().expect("stdin is piped");
        let mut answers = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut first = String::new();
        answers.read_line(&mut first).expect("the watchdog says something");
        if first != "started\n" {
            let _ = answers.read_to_string(&mut first);
            panic!("initdb failed: {first}");
        }
        let server = Self { port, watchdog: Mutex::new(Watchdog { orders, answers }) };
        server.is_up().then_some(server)
    }

    /// Stops it, as an operator would: connections are cut.
    pub fn stop(&self) {
        self.order("stop");
    }

    /// Starts it again after [`stop`](Self::stop), with what it held.
    pub fn start_again(&self) {
        self.order("start");
        assert!(self.is_up(), "PostgreSQL came up before; it does not now");
    }

    fn order(&self, order: &str) {
        let mut watchdog = self.watchdog.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(watchdog.orders, "{order}").expect("the watchdog listens");
        let mut answer = String::new();
        watchdog.answers.read_line(&mut answer).expect("the watchdog answers");
    }

    fn is_up(&self) -> bool {
        let begun = SystemTime::now();
        while begun.elapsed().unwrap_or_default() < PATIENCE {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// A fresh database on it: its address.
    pub async fn database(&self) -> String {
        create(&format!("postgres://sayso@127.0.0.1:{}", self.port)).await
    }
}

/// A fresh database: its address. The server starts on first use and ends with this process.
///
/// # Panics
/// If there is no PostgreSQL on this machine, or it does not come up.
pub async fn database() -> String {
    static SHARED: OnceLock<Server> = OnceLock::new();
    match std::env::var(VARIABLE) {
        Ok(server) => create(server.trim_end_matches('/')).await,
        Err(_) => SHARED.get_or_init(Server::start).database().await,
    }
}

/// A copy of a database as it is now, to be put in its place later: its address. Nobody may be
/// connected to it, or be so for a few seconds at most.
///
/// # Panics
/// If it can't be copied.
pub async fn copy(database: &str) -> String {
    let (server, name) = database.rsplit_once('/').expect("a database's address");
    create_from(server, name).await
}

/// Puts a copy in the place of the database that it was made of, whoever is connected to that.
///
/// # Panics
/// If it can't be put there.
pub async fn put_back(copy: &str, database: &str) {
    let (server, name) = database.rsplit_once('/').expect("a database's address");
    let (_, copy) = copy.rsplit_once('/').expect("a copy's address");
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    command(server, &[&drop, &format!("CREATE DATABASE {name} TEMPLATE {copy}")]).await;
}

async fn create(server: &str) -> String {
    create_from(server, "template0").await
}

async fn create_from(server: &str, template: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let name = format!(
        "sayso_test_{}_{}_{}",
        since.as_secs(),
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    command(server, &[&format!("CREATE DATABASE {name} TEMPLATE {template}")]).await;
    format!("{server}/{name}")
}

/// Gives a server orders, one after the other.
async fn command(server: &str, orders: &[&str]) {
    let config: Config = format!("{server}/postgres").parse().expect("a server's address");
    let begun = SystemTime::now();
    // For a moment after its port opens, the server is still "starting up".
    let (client, connection) = loop {
        match config.connect(NoTls).await {
            Ok(connected) => break connected,
            Err(error) if begun.elapsed().unwrap_or_default() > PATIENCE => {
                panic!("PostgreSQL at {server} does not answer: {error:?}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let driver = tokio::spawn(connection);
    for order in orders {
        let done = client.batch_execute(order).await;
        done.unwrap_or_else(|error| panic!("{order}: {error:?}"));
    }
    drop(client);
    let _ = driver.await;
}

/// PostgreSQL refuses to run as root, so root runs it as the user its package made.
fn unprivileged(program: &str) -> Command {
    let user = Command::new("id").arg("-u").output().expect("`id` runs").stdout;
    if user.trim_ascii() != b"0" {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", program]);
    // Root's own folder for temporary files may not be open to others.
    command.env_remove("TMPDIR").env("HOME", "/");
    command
}

/// The folder with `initdb` and `postgres`: PATH first, then where Debian keeps the newest.
fn binaries() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut packaged: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    packaged.sort_by_key(|bin| std::cmp::Reverse(version(bin)));
    let is_server = |bin: &PathBuf| ["initdb", "postgres"].iter().all(|it| bin.join(it).is_file());
    std::env::split_paths(&path).chain(packaged).find(is_server).unwrap_or_else(|| {
        panic!(
            "no PostgreSQL server on this machine (looked in PATH and /usr/lib/postgresql/*/bin): \
             run scripts/setup, or name one with {VARIABLE}=postgres://user@host"
        )
    })
}

fn version(bin: &Path) -> u32 {
    let version = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    version.and_then(|version| version.parse().ok()).unwrap_or(0)
}
