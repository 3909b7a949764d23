//! `posthouse openapi`.

use clap::Args;

use super::failure::Failure;
use super::output::Output;
use crate::api;

/// Arguments of `posthouse openapi`: none.
#[derive(Debug, Args)]
pub(super) struct Openapi {}

impl Openapi {
    pub(super) fn run(self, out: &mut Output) -> Result<(), Failure> {
        let document = api::openapi::json();
        out.text(document.trim_end())?;
        out.text("\n")
    }
}
