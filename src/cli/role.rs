//! Roles, as arguments and in what is printed: in the words of the API.

use clap::ValueEnum;

use crate::model::account::Role;

/// A role to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RoleName {
    /// Reads and changes only what is theirs
    #[value(name = "user")]
    User,
    /// Administers one domain
    #[value(name = "domain_admin", alias = "domain-admin")]
    DomainAdmin,
    /// Administers everything
    #[value(name = "server_admin", alias = "server-admin")]
    ServerAdmin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::User => Self::User,
            RoleName::DomainAdmin => Self::DomainAdmin,
            RoleName::ServerAdmin => Self::ServerAdmin,
        }
    }
}

/// The role in words.
pub(super) fn name(role: Role) -> &'static str {
    role.as_str()
}
