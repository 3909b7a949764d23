//! The filters of the queue in a query string.

use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Kind, Problem};
use crate::model::envelope::ReversePath;
use crate::model::queue::QueueFilter;

/// A query string with the filters of the queue, and fields of its own before them. A macro, because serde cannot refuse unknown
/// fields where one struct stands in another.
macro_rules! query {
    ($(#[$doc:meta])* $name:ident { $($(#[$of_field:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize, utoipa::IntoParams)]
        #[into_params(parameter_in = Query)]
        #[serde(deny_unknown_fields)]
        pub(in crate::api) struct $name {
            $($(#[$of_field])* $field: $type,)*
            /// Of this message.
            #[param(example = "01jzc8m3f9xkq")]
            id: Option<String>,
            /// Sent by this address; `<>` is the null sender.
            #[param(example = "alice@example.test")]
            sender: Option<String>,
            /// Sent by any address of this domain.
            #[param(example = "example.test")]
            sender_domain: Option<String>,
            /// To this address.
            #[param(example = "bob@elsewhere.test")]
            recipient: Option<String>,
            /// To any address of this domain.
            #[param(example = "elsewhere.test")]
            recipient_domain: Option<String>,
            /// In this state: `waiting`, `held`, `delivered` or `failed`.
            #[param(example = "waiting")]
            state: Option<String>,
            /// Queued more than so many seconds ago.
            #[param(maximum = 9_223_372_036_854_775_807_i64, example = 3600)]
            older_than: Option<u64>,
            /// With this text in the last error.
            #[param(max_length = 255, example = "greylisted")]
            error: Option<String>,
        }

        impl $name {
            /// The filters as values.
            fn filter(&self, house: &crate::api::house::House) -> Result<crate::model::queue::QueueFilter, crate::api::problem::Problem> {
                $crate::api::queue::pick::Filters {
                    id: self.id.as_deref(),
                    sender: self.sender.as_deref(),
                    sender_domain: self.sender_domain.as_deref(),
                    recipient: self.recipient.as_deref(),
                    recipient_domain: self.recipient_domain.as_deref(),
                    state: self.state.as_deref(),
                    older_than: self.older_than,
                    error: self.error.as_deref(),
                }
                .read(house)
            }
        }
    };
}
pub(super) use query;

/// The filters as they were sent.
pub(super) struct Filters<'a> {
    pub id: Option<&'a str>,
    pub sender: Option<&'a str>,
    pub sender_domain: Option<&'a str>,
    pub recipient: Option<&'a str>,
    pub recipient_domain: Option<&'a str>,
    pub state: Option<&'a str>,
    pub older_than: Option<u64>,
    pub error: Option<&'a str>,
}

impl Filters<'_> {
    pub(super) fn read(self, house: &House) -> Result<QueueFilter, Problem> {
        let before = |seconds: u64| {
            let age = jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            house.queue.now().saturating_sub(age).unwrap_or(jiff::Timestamp::MIN)
        };
        Ok(QueueFilter {
            id: self.id.map(|text| value("id", text)).transpose()?,
            sender: self.sender.map(sender).transpose()?,
            sender_domain: self.sender_domain.map(|text| value("sender_domain", text)).transpose()?,
            recipient: self.recipient.map(|text| value("recipient", text)).transpose()?,
            recipient_domain: self.recipient_domain.map(|text| value("recipient_domain", text)).transpose()?,
            state: self.state.map(|text| value("state", text)).transpose()?,
            before: field::number("older_than", self.older_than).map_err(Problem::in_query)?.map(before),
            error: self.error.map(error).transpose()?,
        })
    }
}

fn error(text: &str) -> Result<String, Problem> {
    field::text("error", text.to_owned()).map_err(Problem::in_query)
}

fn sender(text: &str) -> Result<ReversePath, Problem> {
    match text {
        "" | "<>" => Ok(ReversePath::Null),
        text => value("sender", text).map(ReversePath::Address),
    }
}

/// A value of the query string: what cannot be read makes the request malformed.
fn value<T: std::str::FromStr<Err: ToString>>(name: &str, text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|error: T::Err| Problem::new(Kind::Malformed, error.to_string()).at(name))
}

query! {
    /// Which recipients of the queue, for those who change them.
    Picked {
        /// All there are, which must be said; otherwise at least one filter is needed.
        all: Option<bool>,
    }
}

impl Picked {
    /// The filter. Nobody drops the whole queue because a filter was forgotten.
    pub(in crate::api) fn read(&self, house: &House) -> Result<QueueFilter, Problem> {
        let filter = self.filter(house)?;
        let is_all = self.all == Some(true);
        if is_all != (filter == QueueFilter::default()) {
            let detail = "either a filter is needed, or all=true, which goes with no filter";
            return Err(Problem::new(Kind::Malformed, detail).at("all"));
        }
        Ok(filter)
    }
}
