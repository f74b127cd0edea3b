//! Connections: where to, how they are set up, and what their errors mean.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row, Socket, Statement};

use crate::{Result, StoreError};

/// How long connecting, or an unacknowledged packet, may take before the server counts as gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// What every connection begins with.
///
/// Rows are looked up one by one through an index, and come in its order: right for every
/// statement here, however small its tables still are when the plan is made, and however little
/// the planner knows about them. It may still begin a join at the wrong end; hence the LATERAL
/// (… LIMIT 1) in them, which says what is looked up for what.
///
/// What is acknowledged is on disk, whatever the database's own default. A server that hangs in
/// the middle of a unit of work must not hold its locks for ever.
const SETTINGS: &str = "
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET enable_memoize = off;
    SET jit = off;
    SET idle_in_transaction_session_timeout = '30s';
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off'";

/// The value of a statement's parameter.
pub(super) type Value<'a> = &'a (dyn ToSql + Sync);

/// Where the database is.
#[derive(Clone)]
pub(super) struct Address(Config);

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self> {
        let unusable = |why: String| StoreError::Address(why);
        let mut config: Config = url.parse().map_err(|error| unusable(explain(&error)))?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err(unusable(
                "it asks for TLS (sslmode=require), which this binary has not built in; reach the \
                 database over a private network or a tunnel, with sslmode=disable"
                    .into(),
            ));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(unusable(
                "it names no host; write it like postgres://user:password@host/database".into(),
            ));
        }
        config.ssl_mode(SslMode::Disable);
        if config.get_application_name().is_none() {
            config.application_name("sayso");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(PATIENCE);
        }
        config.keepalives_idle(config.get_keepalives_idle().min(PATIENCE));
        Ok(Self(config))
    }

    /// A connection that whoever asked for it must keep polling.
    pub(super) async fn connect(
        &self,
    ) -> Result<(Client, tokio_postgres::Connection<Socket, NoTlsStream>)> {
        Ok(self.0.connect(NoTls).await?)
    }
}

/// A connection, and the statements that are prepared on it.
pub(super) struct Connection {
    pub(super) client: Client,
    prepared: Mutex<HashMap<String, Statement>>,
}

impl Connection {
    pub(super) async fn open(address: &Address) -> Result<Self> {
        let (client, driver) = address.connect().await?;
        // It ends with its client, which is all that could own it.
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(error = explain(&error), "a database connection ended");
            }
        });
        client.batch_execute(SETTINGS).await?;
        Ok(Self { client, prepared: Mutex::default() })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The statement, prepared once on this connection.
    pub(super) async fn prepared(&self, sql: &str) -> Result<Statement> {
        let known = || self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        known().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) async fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.query(&statement, values).await?)
    }

    pub(super) async fn row(&self, sql: &str, values: &[Value<'_>]) -> Result<Option<Row>> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    pub(super) async fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.execute(&statement, values).await?)
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(code) = error.code() else {
            let broken = error.is_closed()
                || std::error::Error::source(&error).is_some_and(|cause| {
                    cause.is::<std::io::Error>() && !error.to_string().contains("parsing")
                });
            let why = explain(&error);
            return if broken { Self::Unreachable(why) } else { Self::Failed(why.into()) };
        };
        let why = explain(&error);
        match *code {
            // Somebody else was faster, or the two would have waited for each other for ever.
            SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::UNIQUE_VIOLATION => Self::Conflict,
            SqlState::DISK_FULL => Self::Full,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT | SqlState::TOO_MANY_CONNECTIONS => {
                Self::Unreachable(why)
            }
            // Connection exceptions, and the server going down or coming up.
            _ if ["08", "57P"].iter().any(|class| code.code().starts_with(class)) => {
                Self::Unreachable(why)
            }
            _ => Self::Failed(why.into()),
        }
    }
}

/// An error in one line, with its causes: the driver's own say little ("db error").
pub(super) fn explain(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} ({})", error.message(), error.code().code());
    }
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(why, ": {error}");
        cause = error.source();
    }
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        match Address::parse(url) {
            Ok(_) => panic!("{url} was taken"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_address_that_asks_for_tls_is_refused_by_name() {
        let why = refused("postgres://sayso@db.example/sayso?sslmode=require");
        assert!(why.contains("sslmode=require") && why.contains("TLS"), "{why}");
    }

    #[test]
    fn an_address_without_a_host_or_a_sense_is_refused() {
        assert!(refused("").contains("names no host"));
        assert!(refused("mysql://db.example/sayso").contains("not usable"));
        assert!(refused("postgres://h/d?sslmode=verify-full").contains("sslmode"));
    }

    #[test]
    fn a_refusal_never_repeats_the_password() {
        let why = refused("postgres://sayso:hunter2@db.example/sayso?sslmode=require");
        assert!(!why.contains("hunter2"), "{why}");
    }
}
