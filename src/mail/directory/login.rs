//! How long a login holds: until its account is disabled or removed, or its password changed.

use std::collections::HashMap;

use tokio::sync::broadcast;

use super::cache::Account;
use super::{Departure, Directory, Inner, Login};
use crate::model::ids::UserId;
use crate::model::refusal::Refusal;
use crate::store;

impl From<&Account> for Login {
    fn from(account: &Account) -> Self {
        Self {
            user: account.user.clone(),
            epoch: account.token_epoch,
        }
    }
}

impl Directory {
    /// Hears of logins that end. Whoever falls behind has missed some, and must look for themselves.
    pub fn departures(&self) -> broadcast::Receiver<Departure> {
        self.inner.departures.subscribe()
    }

    /// Whether a login still holds. Errors: TryLater.
    pub async fn holds(&self, login: &Login) -> Result<bool, Refusal> {
        let account = self.inner.account(&login.user.login).await?;
        Ok(account.is_some_and(|it| it.user.enabled && it.user.id == login.user.id && it.token_epoch == login.epoch))
    }

    /// Which of these logins no longer hold, by their places in the list. Errors: TryLater.
    pub async fn ended(&self, logins: &[Login]) -> Result<Vec<usize>, Refusal> {
        let mut users: Vec<UserId> = logins.iter().map(|login| login.user.id).collect();
        users.sort_unstable();
        users.dedup();
        let mut tx = self.inner.database.read().await?;
        let epochs: HashMap<UserId, i64> = store::db::users::epochs(&mut tx, &users).await?.into_iter().collect();
        let ended = |login: &Login| epochs.get(&login.user.id) != Some(&login.epoch);
        let places = logins.iter().enumerate();
        Ok(places.filter(|(_, login)| ended(login)).map(|(place, _)| place).collect())
    }
}

impl Inner {
    /// Tells those who listen, if anybody does.
    pub(super) fn announce(&self, departure: Departure) {
        drop(self.departures.send(departure));
    }
}
