//! Many changes in one transaction: one that is refused harms no other, what breaks inside takes all of them back.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{Directory, NewAlias, NewDomain, NewUser, Placed};
use crate::model::account::{Alias, DomainRecord, User};
use crate::model::refusal::Refusal;

/// What became of each.
type Outcomes<T> = Vec<Result<Placed<T>, Refusal>>;

impl Directory {
    /// The same as [`Directory::put_user`] for many. `may` is also told whether there is a new password.
    pub async fn put_users(
        &self,
        all: Vec<NewUser>,
        may: &(impl Fn(&User, bool) -> Result<(), Refusal> + Sync),
    ) -> Result<Outcomes<Arc<User>>, Refusal> {
        let prepared = join_all(all.into_iter().map(|new| self.prepared(new))).await;
        let mut change = self.change().await?;
        let mut outcomes = Vec::with_capacity(prepared.len());
        for stored in prepared {
            let outcome = match stored {
                Ok(stored) => {
                    let sets_password = stored.password.is_some();
                    self.place_user(&mut change, stored, |there| may(there, sets_password)).await
                }
                Err(refusal) => Err(refusal),
            };
            outcomes.push(unless_broken(outcome)?);
        }
        change.commit().await?;
        Ok(outcomes)
    }

    /// The same as [`Directory::put_alias`] for many.
    pub async fn put_aliases(&self, all: Vec<NewAlias>) -> Result<Outcomes<Alias>, Refusal> {
        let mut change = self.change().await?;
        let mut outcomes = Vec::with_capacity(all.len());
        for new in all {
            let outcome = match self.fresh_alias(new) {
                Ok(alias) => self.place_alias(&mut change, alias).await,
                Err(refusal) => Err(refusal),
            };
            outcomes.push(unless_broken(outcome)?);
        }
        change.commit().await?;
        Ok(outcomes)
    }

    /// The same as [`Directory::put_domain`] for many.
    pub async fn put_domains(&self, all: Vec<NewDomain>) -> Result<Outcomes<DomainRecord>, Refusal> {
        let mut change = self.change().await?;
        let mut outcomes = Vec::with_capacity(all.len());
        for new in all {
            let outcome = match self.fresh(new) {
                Ok(record) => self.place_domain(&mut change, record).await,
                Err(refusal) => Err(refusal),
            };
            outcomes.push(unless_broken(outcome)?);
        }
        change.commit().await?;
        Ok(outcomes)
    }
}

/// After an error of the database the transaction is of no use any more.
fn unless_broken<T>(outcome: Result<T, Refusal>) -> Result<Result<T, Refusal>, Refusal> {
    match outcome {
        Err(refusal) if refusal.is_of_the_house() => Err(refusal),
        outcome => Ok(outcome),
    }
}
