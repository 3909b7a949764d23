//! Teaching the spam engine: by a message of a mailbox, or by one that is sent here.

pub(super) mod server;
pub(super) mod stored;
pub(super) mod user;

use actix_web::HttpRequest;
use actix_web::web::Payload;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::{self, Media};
use super::house::House;
use super::problem::{Kind, Problem};
use crate::mail::mailbox::{Draft, LineEnds};
use crate::mail::spam::{Learnt, Meant};

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum LessonKind {
    /// It is spam.
    Spam,
    /// It is none.
    Ham,
}

/// What a message that is sent here is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct LessonQuery {
    /// What it is.
    // Whether it is there is looked at behind the right to ask at all.
    #[param(value_type = LessonKind, required = true, example = "spam")]
    kind: Option<LessonKind>,
}

/// How a lesson is meant, which a request must say.
fn meant(kind: Option<LessonKind>, by_hand: bool) -> Result<Meant, Problem> {
    let kind = kind.ok_or_else(|| {
        Problem::new(
            Kind::Malformed,
            "kind is missing in the query; right would be kind=spam or kind=ham",
        )
    })?;
    Ok(Meant {
        is_spam: kind == LessonKind::Spam,
        by_hand,
    })
}

/// What came of a lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LessonOutcome {
    /// It was learned.
    Learned,
    /// It had been learned as the other kind, which was undone.
    Moved,
    /// It had been learned before.
    Known,
    /// It was not learned: there is far more of this kind than of the other already (`spam.bayes_max_ratio`).
    Unbalanced,
}

impl From<Learnt> for LessonOutcome {
    fn from(learnt: Learnt) -> Self {
        match learnt {
            Learnt::New => Self::Learned,
            Learnt::Moved => Self::Moved,
            Learnt::Known => Self::Known,
            Learnt::Unbalanced => Self::Unbalanced,
        }
    }
}

/// What was learned of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"user": "learned", "server": "learned"}))]
pub(in crate::api) struct Lesson {
    /// What came of it for the user; absent where the server alone was taught.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<LessonOutcome>,
    /// What came of it for the whole server; absent where users teach themselves alone (`spam.bayes_users_teach_all`).
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<LessonOutcome>,
}

impl Lesson {
    /// From what came of it for the user, and then perhaps for the server.
    fn of_user(learnt: &[Learnt]) -> Self {
        Self {
            user: learnt.first().copied().map(LessonOutcome::from),
            server: learnt.get(1).copied().map(LessonOutcome::from),
        }
    }

    fn of_server(learnt: &[Learnt]) -> Self {
        Self {
            user: None,
            server: learnt.first().copied().map(LessonOutcome::from),
        }
    }
}

/// The message of a request.
async fn message(house: &House, request: &HttpRequest, payload: Payload) -> Result<Draft, Problem> {
    if body::media(request) != Some(Media::Message) {
        return Err(Problem::new(Kind::WrongMediaType, "the body must be message/rfc822"));
    }
    body::check_length(request, house.intake.max_size())?;
    let mut draft = house.mailboxes.draft(LineEnds::Mended);
    body::stream(payload, async |octets| draft.write(octets).await).await?;
    Ok(draft)
}
