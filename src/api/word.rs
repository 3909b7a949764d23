//! Values that are one of some words: scopes, protocols, the ends of logins.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::model::audit::{ActorKind, Deed};
use crate::model::event::EventKind;
use crate::model::login::{LoginOutcome, Protocol};
use crate::model::scope::Scope;
use crate::model::webhook::DeliveryState;

/// A value that is one of some words.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident($of:ty) as $shown:literal, $meaning:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) struct $name(pub $of);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($meaning))
                    .enum_values(Some(<$of>::ALL.iter().map(|value| value.as_str())))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                $shown.into()
            }
        }
    };
}

word! {
    /// A scope, by its name.
    ScopeName(Scope) as "Scope", "What an API key may do with which resources."
}
word! {
    /// A protocol, by its name.
    ProtocolName(Protocol) as "Protocol", "By which protocol somebody logs in."
}
word! {
    /// As whom somebody acts, by its name.
    ActorKindName(ActorKind) as "ActorKind", "As whom somebody acts."
}
word! {
    /// What was done, by its name.
    DeedName(Deed) as "AuditKind", "What was done."
}
word! {
    /// What happened, by its name.
    EventKindName(EventKind) as "EventKind", "What happened."
}
word! {
    /// What became of an event that is to be told, by its name.
    DeliveryStateName(DeliveryState) as "DeliveryState", "What became of an event that is to be told."
}
word! {
    /// How a login ended, by its name.
    OutcomeName(LoginOutcome) as "LoginOutcome", "How a login ended."
}
