//! What can go wrong.

use reqwest::{Response, StatusCode};

use crate::models::Problem;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server said no, and why (RFC 9457).
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// Something else answered: a proxy, or no Posthouse.
    #[error("the answer is {status}, and no problem document: {body}")]
    Unexpected {
        /// The status.
        status: StatusCode,
        /// Where the body begins.
        body: String,
    },
    /// The server cannot be reached, or its reply cannot be read.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

impl Error {
    /// What the server said, if it did.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether the problem is of this kind, such as `not-found`: the last part of its `type`.
    pub fn is(&self, kind: &str) -> bool {
        self.problem()
            .and_then(|problem| problem.r#type.rsplit(':').next())
            .is_some_and(|name| name == kind)
    }

    pub(crate) async fn check(reply: Response) -> Result<Response, Self> {
        let status = reply.status();
        if status.is_success() {
            return Ok(reply);
        }
        let text = reply.text().await?;
        Err(match serde_json::from_str(&text) {
            Ok(problem) => Self::Problem(Box::new(problem)),
            Err(_) => Self::Unexpected {
                status,
                body: text.chars().take(200).collect(),
            },
        })
    }
}
