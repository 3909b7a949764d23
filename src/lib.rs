//! Posthouse: a whole mail server in one program, run through a REST API.
//!
//! `model` names things, `wire` spells them, `store` keeps them; `mail` does the work; `server` and `api` are the doors;
//! `app` builds the house and `cli` is the bell.

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod mail;
pub mod model;
pub mod server;
pub mod store;
pub mod wire;
