//! `sayso mcp`: the tools for a model that is started with this as its MCP server.

use std::sync::Arc;

use sayso_mcp::server::{HttpDesk, Prompts, stdio};

use crate::cli::{Common, Mcp};
use crate::exit::Exit;
use crate::serve::block_on;

pub(crate) fn run(common: &Common, mcp: &Mcp) -> anyhow::Result<Exit> {
    let desk = Arc::new(HttpDesk::new(common.client()?));
    let cwd = std::env::current_dir().ok().and_then(|cwd| cwd.to_str().map(str::to_owned));
    let prompts = mcp.permission_prompt.then(|| Prompts { wait: mcp.wait.into(), cwd });
    block_on(async { Ok(stdio(desk, prompts).await?) })?;
    Ok(Exit::Done)
}
