//! The command line: what there is to type.

mod people;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand};
use sayso_core::Period;

use crate::exit::Exit;
use crate::hook::Harness;

pub(crate) use people::{Agents, Keys, PeoplesKeys, Reviewers, Sessions, SigningKey, Tokens};

/// The address a server listens on, unless told otherwise.
pub(crate) const USUAL_ADDRESS: &str = "127.0.0.1:7717";

/// A human's say-so for AI agents.
#[derive(Debug, Parser)]
#[command(
    name = "sayso",
    version,
    about,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done or granted, 1 refused, 2 error, 3 undecided."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// The data folder [default: ~/.local/share/sayso]
    #[arg(long, global = true, env = "SAYSO_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A PostgreSQL database, instead of SQLite in the data folder
    #[arg(
        long,
        global = true,
        env = "SAYSO_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,
    /// The server's address [default: that of the server on the data folder]
    #[arg(long, global = true, env = "SAYSO_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// An agent's key or a person's token
    #[arg(long, global = true, env = "SAYSO_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Serve),
    /// Watch a real agent at work under all three tiers
    Demo(Demo),
    #[command(hide = true)]
    DemoAgent,
    /// Write a starter policy and add a first agent
    Init(Init),
    /// Agents: who may ask, for what
    #[command(subcommand)]
    Agent(Agents),
    /// Keys: those that the server signs with, and executors'
    #[command(subcommand)]
    Key(Keys),
    /// People: who may decide, and do what else
    #[command(subcommand)]
    Reviewer(Reviewers),
    /// Your tokens, or with --reviewer anybody's
    #[command(subcommand)]
    Token(Tokens),
    /// Your sessions, or with --reviewer anybody's
    #[command(subcommand)]
    Session(Sessions),
    /// Ask for a say-so, and wait for it
    Ask(Ask),
    /// Run a command once it has its say-so
    Run(Run),
    /// What waits for you
    Inbox {
        /// Stay, and show what comes; while it runs, you are listening
        #[arg(long)]
        watch: bool,
    },
    /// One escalation in full
    Show {
        /// Its id, or the first digits of it
        id: String,
    },
    /// Say yes
    Approve(Approve),
    /// Say no
    Deny(Decide),
    /// Say no to something that silence would grant
    Veto(Decide),
    /// Nothing without a person: soft becomes hard
    Hold(Decide),
    /// Answer a question
    Answer(Answer),
    /// I am on it: the window stands still for a while
    Take(Decide),
    /// Take your approval back, while others are still needed
    Retract(Decide),
    /// Stop everything, an agent, a tool or a rule
    Halt(Halt),
    /// Lift a halt
    Resume {
        /// The halt's id; all halts, if none is given
        id: Option<String>,
    },
    /// Stand in front of MCP servers: their tools are called with a say-so
    Gateway(Gateway),
    /// Offer a model the tools to ask for reviews, over MCP on standard input and output
    Mcp(Mcp),
    /// Be asked by a coding agent before each of its tools runs
    #[command(subcommand)]
    Hook(Hooks),
    /// Check, try out, compare and draft policies
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Verify the ledger, offline, and export it
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Check how things are set up
    Doctor,
    /// Print completions for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Listen on this address
    #[arg(long, default_value = USUAL_ADDRESS)]
    pub(crate) listen: SocketAddr,
    /// The policy file [default: policy.toml in the data folder, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Where people and agents reach this server [default: <http://LISTEN>]
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Let people log in at an identity provider (OIDC), as this file says [default:
    /// oidc.toml in the data folder, if it is there]
    #[arg(long, env = "SAYSO_OIDC", value_name = "FILE")]
    pub(crate) oidc: Option<PathBuf>,
    /// Calls a second that one credential may make; 0 for no limit
    #[arg(long, default_value_t = 20_000)]
    pub(crate) rate: u32,
    /// The folder of the signing keys [default: keys in the data folder; with --database, the
    /// database]
    #[arg(long, env = "SAYSO_KEYS", value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
    /// The data was restored from a backup, and what came after it is gone for good: end its log,
    /// and begin one with another key
    #[arg(long)]
    pub(crate) accept_restored_backup: bool,
    /// A witness (C2SP tlog-witness) that is asked to cosign the ledger's heads; its key goes with
    /// it, in the same order
    #[arg(long, value_name = "URL", requires = "witness_key")]
    pub(crate) witness: Vec<String>,
    /// The key of a witness: NAME+ID+KEY
    #[arg(long, value_name = "VKEY", requires = "witness")]
    pub(crate) witness_key: Vec<String>,
}

impl Serve {
    /// A server at that address, and all else as usual.
    pub(crate) fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            policy: None,
            public_url: None,
            oidc: None,
            rate: 20_000,
            keys: None,
            accept_restored_backup: false,
            witness: Vec::new(),
            witness_key: Vec::new(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Gateway {
    /// The servers behind it: a file with `mcpServers`, as clients have it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// How long a call waits for people before it answers with a handle
    #[arg(long, default_value = "3s")]
    pub(crate) grace: Period,
    /// Keeps what the tools were when people last saw them; one that changes is hard until a person
    /// has looked [default: CONFIG.seen.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) seen: Option<PathBuf>,
    /// Listen for any number of clients by streamable HTTP, at /mcp, instead of serving one on
    /// standard input and output
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// A name besides loopback that clients may know it by, and whose pages may speak to it
    #[arg(long, value_name = "HOST", requires = "listen")]
    pub(crate) allow_host: Vec<String>,
    /// Never have a client show its person where to decide
    #[arg(long)]
    pub(crate) no_doorbell: bool,
    /// Make calls only if the people whose keys are in this file have signed them, whatever the
    /// server says (see docs/permits.md)
    #[arg(long, value_name = "FILE", env = "SAYSO_PIN")]
    pub(crate) pin: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Hooks {
    /// Answer Claude Code
    ClaudeCode(Hook),
    /// Answer Codex
    Codex(Hook),
    /// Answer Gemini CLI
    Gemini(Hook),
    /// Answer Copilot CLI
    Copilot(Hook),
    /// Answer Cursor
    Cursor(Hook),
    /// Write the settings of one of them, so that it asks
    Install(Install),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Hook {
    /// How long to wait for people before the model is told to come back
    #[arg(long, default_value = "3s")]
    pub(crate) wait: Period,
    /// Deny what has no answer by then; below the time that the agent gives its hooks
    #[arg(long, default_value = "25s")]
    pub(crate) deadline: Period,
    /// An MCP server of the agent's that is `sayso mcp` or `sayso gateway`, and asks by itself
    #[arg(long, value_name = "NAME")]
    pub(crate) sayso_server: Vec<String>,
    /// Put a call that waits aside instead of denying it. For `claude -p` only, by a runner that
    /// resumes the session when it is decided
    #[arg(long)]
    pub(crate) defer: bool,
}

/// What to do with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say what is wrong or odd about a policy: exit 2 if it is wrong, 1 if it has errors
    Check(CheckPolicy),
    /// Say why a call gets its tier: which rules matched, on which values, what won
    Explain(ExplainPolicy),
    /// Run the cases of a TOML file: exit 1 if one is not as expected
    Test(TestPolicy),
    /// Show what becomes looser or stricter, each with a call: exit 1 if anything does not only
    /// become stricter
    Diff(DiffPolicy),
    /// Propose a policy for the tools of MCP servers
    Draft(DraftPolicy),
    /// Put a policy in force on the server: what only asks for more at once (a policy admin's token),
    /// anything else when people have approved it (an agent's key)
    Apply(ApplyPolicy),
}

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Hold a ledger against the law: an exported folder, the database, or a server
    Verify(VerifyLedger),
    /// Write the ledger into a folder, for auditors or for other tools
    Export(ExportLedger),
    /// Erase the texts of an escalation that has ended (an owner's token): their hashes stay, and
    /// who erased them is on record
    Erase {
        /// The escalation's id, or the first digits of it
        id: String,
        /// Don't ask again
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sayso ledger verify export --trust trust.policy --head kept.txt\n  \
    sayso --data DIR ledger verify --trust trust.policy\n\n\
    Without a folder it reads the database (--data, --database), or a server (--url, with an \
    auditor's token).\n\n\
    Exit codes: 0 verified, 1 refuted, 2 error, 3 not refuted, but something can't be told or was \
    erased.")]
pub(crate) struct VerifyLedger {
    /// A folder that `sayso ledger export` wrote
    pub(crate) folder: Option<PathBuf>,
    /// Whose signatures count: the log's key and witnesses (a C2SP tlog-policy)
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Option<PathBuf>,
    /// A head that you kept: a signed note, or the three lines of a message's footer
    #[arg(long = "head", value_name = "FILE")]
    pub(crate) heads: Vec<PathBuf>,
    /// The organisation's key, which vouches for people's: a `.pub` file of SSH
    #[arg(long, value_name = "FILE")]
    pub(crate) organisation: Option<PathBuf>,
    /// A key that needs nobody to vouch for it, by its fingerprint, as `ssh-keygen -l` prints it
    #[arg(long = "pin", value_name = "SHA256:…")]
    pub(crate) pins: Vec<String>,
}

/// How a ledger is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// C2SP tiles and bodies: what `sayso ledger verify` reads
    Tiles,
    /// Our own events, one a line
    Jsonl,
    /// `CloudEvents` 1.0, one a line
    Cloudevents,
    /// OCSF 1.9 API Activity, one a line
    Ocsf,
}

#[derive(Debug, Args)]
pub(crate) struct ExportLedger {
    /// Where to
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// In which form
    #[arg(long, value_enum, default_value = "tiles")]
    pub(crate) format: Format,
    /// From this entry on
    #[arg(long, value_name = "INDEX")]
    pub(crate) from: Option<u64>,
    /// Up to before this entry
    #[arg(long, value_name = "INDEX")]
    pub(crate) to: Option<u64>,
}

/// Where the tools are known from.
#[derive(Debug, Args)]
pub(crate) struct Tools {
    /// A result of `tools/list`, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) tools: Option<PathBuf>,
    /// MCP servers to be started and asked, in the `mcpServers` form
    #[arg(long, value_name = "FILE", conflicts_with = "tools")]
    pub(crate) servers: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckPolicy {
    /// The policy
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) tools: Tools,
    /// How long people take until they have looked; a shorter window is warned of [default: what
    /// the server's ledger tells to who has a `SAYSO_TOKEN`, else 1m]
    #[arg(long, value_name = "PERIOD")]
    pub(crate) people_take: Option<Period>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainPolicy {
    /// The policy
    pub(crate) file: PathBuf,
    /// The tool that would be called
    pub(crate) tool: String,
    /// Its arguments, as a JSON object
    #[arg(default_value = "{}")]
    pub(crate) arguments: String,
    /// What it would be done to, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) resource: Option<String>,
    /// What the model would say about it, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) context: Option<String>,
    /// Who would call it
    #[arg(long, default_value = "some-agent")]
    pub(crate) agent: String,
    /// The MCP server it belongs to
    #[arg(long)]
    pub(crate) server: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TestPolicy {
    /// The policy
    pub(crate) file: PathBuf,
    /// The cases
    pub(crate) cases: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DiffPolicy {
    /// The policy as it was
    pub(crate) old: PathBuf,
    /// The policy as it would be
    pub(crate) new: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DraftPolicy {
    #[command(flatten)]
    pub(crate) tools: Tools,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyPolicy {
    /// The policy
    pub(crate) file: PathBuf,
    /// Don't wait for people: exit 3, and run the same again later
    #[arg(long)]
    pub(crate) detach: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Mcp {
    /// Also answer Claude Code's own prompts (`--permission-prompt-tool
    /// mcp__sayso__permission_prompt`)
    #[arg(long)]
    pub(crate) permission_prompt: bool,
    /// How long to wait for people at such a prompt before the model is told to come back
    #[arg(long, default_value = "3s", requires = "permission_prompt")]
    pub(crate) wait: Period,
}

#[derive(Debug, Args)]
pub(crate) struct Install {
    /// Whose settings
    pub(crate) harness: Harness,
    /// Yours, for all projects, instead of this folder's project
    #[arg(long)]
    pub(crate) user: bool,
    /// This file
    #[arg(long, conflicts_with = "user")]
    pub(crate) file: Option<PathBuf>,
    /// An MCP server of the agent's that is `sayso mcp` or `sayso gateway`, and asks by itself,
    /// besides those that its settings say are
    #[arg(long, value_name = "NAME")]
    pub(crate) sayso_server: Vec<String>,
    /// Have calls that wait put aside, for a runner of `claude -p` that resumes
    #[arg(long)]
    pub(crate) defer: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Answer by itself, check what came of it, and exit 0 only if all is as it must be
    #[arg(long)]
    pub(crate) unattended: bool,
    /// Keep the folder with the repository and the ledger
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where to write the policy [default: policy.toml in the data folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The first agent's name
    #[arg(long, default_value = "agent")]
    pub(crate) agent: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct About {
    /// fyi, soft or hard: more than the policy asks, never less
    #[arg(long)]
    pub(crate) tier: Option<String>,
    /// What to tell people about it
    #[arg(long, short, default_value = "")]
    pub(crate) message: String,
    /// What to show with it: JSON, or @FILE
    #[arg(long, value_name = "JSON")]
    pub(crate) context: Option<String>,
    /// A longer window than the policy's, like 30m
    #[arg(long, value_name = "LENGTH")]
    pub(crate) window: Option<Period>,
    /// Who started the agent; where the policy says so, they can't approve what it asks for
    #[arg(long, value_name = "REVIEWER")]
    pub(crate) started_by: Option<String>,
    /// Give up waiting after that long; it stays open [default: wait until it is decided]
    #[arg(long, value_name = "LENGTH")]
    pub(crate) wait: Option<Period>,
    /// Don't wait: print the id and exit with 3
    #[arg(long)]
    pub(crate) detach: bool,
    /// Go on with one proposed before
    #[arg(long, value_name = "ID")]
    pub(crate) resume: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sayso ask --tool git_merge --arg branch=feature --arg into=main -m 'Tests pass'\n  \
    sayso ask --question 'A or B?' --option A --option B --default A\n\n\
    Exit codes: 0 granted or answered, 1 refused, 2 error, 3 undecided.")]
pub(crate) struct Ask {
    /// The tool to be called
    #[arg(long, required_unless_present_any = ["question", "resume"])]
    pub(crate) tool: Option<String>,
    /// An argument: name=value; the value is JSON if it can be read as JSON, else text
    #[arg(long = "arg", value_name = "NAME=VALUE", requires = "tool")]
    pub(crate) arg: Vec<String>,
    /// All arguments, as a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "arg", requires = "tool")]
    pub(crate) arguments: Option<String>,
    /// A question instead of an action
    #[arg(long, conflicts_with = "tool")]
    pub(crate) question: Option<String>,
    /// An answer to choose from
    #[arg(long = "option", value_name = "TEXT", requires = "question")]
    pub(crate) options: Vec<String>,
    /// What to go by on silence
    #[arg(long, value_name = "ANSWER", requires = "question")]
    pub(crate) default: Option<String>,
    #[command(flatten)]
    pub(crate) about: About,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sayso run -m 'Old build' -- rm -rf build\n\n\
    What runs is the command that was approved, byte for byte. Once it runs, the exit code is its \
    own; before that: 1 refused, 2 error, 3 undecided.")]
pub(crate) struct Run {
    /// The tool that the policy knows this by
    #[arg(long, default_value = "shell")]
    pub(crate) tool: String,
    /// Give the command this secret, once people have approved it with that name in view
    #[arg(long, value_name = "NAME", requires = "secrets", conflicts_with = "resume")]
    pub(crate) secret: Vec<String>,
    /// Where secrets come from (TOML): `[secret.NAME]` with `file = "…"` or `command = ["…"]`
    #[arg(long, value_name = "FILE", env = "SAYSO_SECRETS")]
    pub(crate) secrets: Option<PathBuf>,
    /// Run it only if this file is still as people saw it; else it is asked anew
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(crate) unchanged: Vec<PathBuf>,
    /// Run it only if the working folder's git repository is still at the same commit; else it is
    /// asked anew
    #[arg(long, conflicts_with = "resume")]
    pub(crate) git_head: bool,
    /// Run it only if the people whose keys are in this file have signed it, whatever the server
    /// says (see docs/permits.md)
    #[arg(long, value_name = "FILE", env = "SAYSO_PIN")]
    pub(crate) pin: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) about: About,
    /// The command
    #[arg(last = true, required_unless_present = "resume", value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The escalation's id, or the first digits of it
    pub(crate) id: String,
    /// What to tell the agent
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    pub(crate) decide: Decide,
    /// Approve it with these arguments instead: a JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) arguments: Option<String>,
    /// Only if it still has this digest
    #[arg(long)]
    pub(crate) digest: Option<String>,
    /// Don't show it and ask again
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) sign: Sign,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Sign {
    /// Sign it with this SSH key of yours: a private key, or a public one whose private part
    /// ssh-agent or a security key holds
    #[arg(long = "sign", value_name = "KEYFILE")]
    file: Option<PathBuf>,
}

impl Sign {
    /// The key's file.
    pub(crate) fn key(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// The escalation's id, or the first digits of it
    pub(crate) id: String,
    /// The answer: JSON for a form, else text
    #[arg(value_name = "ANSWER")]
    pub(crate) text: String,
    /// What to tell the agent
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    #[command(flatten)]
    pub(crate) sign: Sign,
}

#[derive(Debug, Args)]
pub(crate) struct Halt {
    /// Only this agent
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// Only this tool
    #[arg(long, conflicts_with = "agent")]
    pub(crate) tool: Option<String>,
    /// Only this rule
    #[arg(long, conflicts_with_all = ["agent", "tool"])]
    pub(crate) rule: Option<String>,
    /// Why
    #[arg(long, short, default_value = "")]
    pub(crate) reason: String,
    /// Show the halts in force instead
    #[arg(long)]
    pub(crate) list: bool,
}

impl Cli {
    /// Does what was typed.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let common = &self.common;
        match self.command {
            Command::Serve(serve) => crate::serve::run(common, &serve),
            Command::Demo(demo) => crate::demo::run(&demo),
            Command::DemoAgent => crate::demo::agent::run(common),
            Command::Init(init) => crate::init::run(common, &init),
            Command::Agent(agents) => crate::agents::run(common, &agents),
            Command::Key(keys) => crate::keys::run(common, &keys),
            Command::Reviewer(reviewers) => crate::people::run(common, &reviewers),
            Command::Token(tokens) => crate::credentials::tokens(common, &tokens),
            Command::Session(sessions) => crate::credentials::sessions(common, &sessions),
            Command::Ask(ask) => crate::ask::run(common, &ask),
            Command::Run(run) => crate::run::run(common, &run),
            Command::Inbox { watch: false } => crate::inbox::list(common),
            Command::Inbox { watch: true } => crate::inbox::watch(common),
            Command::Show { id } => crate::inbox::show(common, &id),
            Command::Approve(approve) => crate::decide::approve(common, &approve),
            Command::Deny(decide) => crate::decide::refuse(common, "deny", &decide),
            Command::Veto(decide) => crate::decide::refuse(common, "veto", &decide),
            Command::Hold(decide) => crate::decide::refuse(common, "hold", &decide),
            Command::Take(decide) => crate::decide::refuse(common, "take", &decide),
            Command::Retract(decide) => crate::decide::refuse(common, "retract", &decide),
            Command::Answer(answer) => crate::decide::answer(common, &answer),
            Command::Halt(halt) => crate::halt::call(common, &halt),
            Command::Resume { id } => crate::halt::lift(common, id.as_deref()),
            Command::Gateway(gateway) => crate::gateway::run(common, &gateway),
            Command::Mcp(mcp) => crate::mcp::run(common, &mcp),
            Command::Hook(hooks) => crate::hook::run(common, &hooks),
            Command::Policy(policy) => crate::policy::run(common, &policy),
            Command::Ledger(ledger) => crate::ledger::run(common, &ledger),
            Command::Doctor => crate::doctor::run(common),
            Command::Completions { shell } => {
                clap_complete::generate(
                    shell,
                    &mut Self::command(),
                    "sayso",
                    &mut std::io::stdout(),
                );
                Ok(Exit::Done)
            }
            Command::Man => {
                clap_mangen::Man::new(Self::command()).render(&mut std::io::stdout())?;
                Ok(Exit::Done)
            }
        }
    }
}
