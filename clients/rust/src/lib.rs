//! A client of the REST API of Posthouse.
//!
//! [`Client`] has a method for each operation; they are generated from the API's document, as the [`models`] are. Written by hand
//! are what lets it in, what it does when the server asks to wait, its [`Error`], and walking through lists in [`pages`].
//!
//! ```no_run
//! # async fn run() -> Result<(), posthouse_client::Error> {
//! use posthouse_client::{Client, models::DomainCreate};
//!
//! let posthouse = Client::new("https://mail.example.org", "phk_…")?;
//! let new = DomainCreate { domain: "example.org".to_owned(), ..DomainCreate::default() };
//! let domain = posthouse.create_domain(&new).await?;
//! println!("{} since {}", domain.domain, domain.created_at);
//! # Ok(())
//! # }
//! ```

#[allow(missing_docs, unused_imports, clippy::all)]
#[path = "generated/apis/mod.rs"]
mod apis;
mod client;
mod error;
#[allow(missing_docs, clippy::all)]
#[path = "generated/models/mod.rs"]
pub mod models;
mod octets;
pub mod pages;
mod retry;

pub use apis::*;
pub use client::Client;
pub use error::Error;
pub use futures_util::{Stream, StreamExt, TryStreamExt};
pub use reqwest;
