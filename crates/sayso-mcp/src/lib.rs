//! MCP, the protocol that models call tools by: [`server`] offers the tools by which a model asks
//! for a review and follows it, [`gateway`] stands in front of other servers' tools, and [`permission`] is for
//! calls that somebody else makes. Nothing offered here decides.

pub mod gateway;
pub mod permission;
pub mod server;

pub use rmcp::ErrorData;
