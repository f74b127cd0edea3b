//! Attacks on a served instance. Each must be refused or detected, and say so;
//! `docs/red-team.md` lists them with what an attacker is shown.

mod authority;
mod database;
mod decisions;
mod forms;
mod neighbours;
mod owners;
mod permits;
mod policy;
mod races;
mod raw;
mod sessions;
mod wire;
