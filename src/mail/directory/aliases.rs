//! Aliases.

use std::collections::HashSet;

use jiff::Timestamp;

use super::change::Change;
use super::{AliasChange, Directory, NewAlias, Page, Picked, Placed, domains, fields};
use crate::mail::audit::Shown;
use crate::model::account::{Alias, AliasAddress};
use crate::model::address::{Domain, EmailAddress};
use crate::model::audit::{Deed, Resource};
use crate::model::clock::timestamp;
use crate::model::ids::AliasId;
use crate::model::refusal::Refusal;
use crate::store::db::{Tx, aliases};

const MAX_DESCRIPTION: usize = 2_000;

impl Directory {
    /// A page of the aliases that are picked, by address (catch-alls first).
    pub async fn aliases(&self, picked: &Picked, after: Option<&str>, limit: usize) -> Result<Page<Alias>, Refusal> {
        let limit = fields::page_size(limit);
        let mut tx = self.inner.database.read().await?;
        let pick = domains::pick(&mut tx, picked).await?;
        let found = aliases::page(&mut tx, &pick, after.unwrap_or_default(), fields::and_one(limit)).await?;
        Ok(fields::page(found, limit, |it| aliases::key(&it.address)))
    }

    /// One alias. Errors: NotFound.
    pub async fn alias(&self, address: &AliasAddress) -> Result<Alias, Refusal> {
        known(&mut self.inner.database.read().await?, address).await
    }

    /// Adds an alias. It may have the address of a user, and then wins over them. Errors: Exists, NotFound (the domain), Invalid.
    pub async fn create_alias(&self, new: NewAlias) -> Result<Alias, Refusal> {
        let alias = self.fresh_alias(new)?;
        let mut change = self.change().await?;
        if aliases::find(&mut change.tx, &alias.address).await?.is_some() {
            return Err(fields::is_there("alias", &alias.address));
        }
        add(&mut change, &alias).await?;
        change.commit().await?;
        Ok(alias)
    }

    /// Adds an alias, or sets every field of the one that is there. Errors: NotFound (the domain), Invalid, Changed.
    pub async fn put_alias(&self, new: NewAlias) -> Result<Placed<Alias>, Refusal> {
        let alias = self.fresh_alias(new)?;
        let mut change = self.change().await?;
        let placed = self.place_alias(&mut change, alias).await?;
        change.commit().await?;
        Ok(placed)
    }

    /// The same within a change. An error has changed nothing.
    pub(super) async fn place_alias(&self, change: &mut Change<'_>, new: Alias) -> Result<Placed<Alias>, Refusal> {
        let there = aliases::find(&mut change.tx, &new.address).await?;
        self.check(there.as_ref().map(Alias::revision))?;
        let Some(there) = there else {
            add(change, &new).await?;
            return Ok(Placed { now: new, is_new: true });
        };
        let before = there.shown();
        let now = Alias {
            id: there.id,
            address: there.address,
            created_at: there.created_at,
            updated_at: self.inner.after(there.updated_at),
            ..new
        };
        aliases::update(&mut change.tx, &now).await?;
        change.note(Deed::AliasChanged, Resource::alias(&now.address), (before, now.shown()));
        Ok(Placed { now, is_new: false })
    }

    /// Changes an alias: what is `None` stays. Errors: NotFound, Invalid, Changed.
    pub async fn change_alias(&self, address: &AliasAddress, wanted: AliasChange) -> Result<Alias, Refusal> {
        fields::text("description", wanted.description.as_deref().unwrap_or_default(), MAX_DESCRIPTION)?;
        let destinations = wanted.destinations.map(|all| self.checked(all)).transpose()?;
        let mut change = self.change().await?;
        let mut alias = known(&mut change.tx, address).await?;
        self.check(Some(alias.revision()))?;
        let before = alias.shown();
        alias.destinations = destinations.unwrap_or(alias.destinations);
        alias.enabled = wanted.enabled.unwrap_or(alias.enabled);
        alias.description = wanted.description.unwrap_or(alias.description);
        alias.expires_at = wanted.expires_at.map_or(alias.expires_at, milliseconds);
        alias.labels = alias.labels.changed(wanted.labels)?;
        alias.updated_at = self.inner.after(alias.updated_at);
        aliases::update(&mut change.tx, &alias).await?;
        change.note(Deed::AliasChanged, Resource::alias(address), (before, alias.shown()));
        change.commit().await?;
        Ok(alias)
    }

    /// Removes an alias. Errors: NotFound, Changed.
    pub async fn remove_alias(&self, address: &AliasAddress) -> Result<(), Refusal> {
        let mut change = self.change().await?;
        let alias = known(&mut change.tx, address).await?;
        self.check(Some(alias.revision()))?;
        aliases::delete(&mut change.tx, alias.id).await?;
        change.note(Deed::AliasRemoved, Resource::alias(address), (alias.shown(), None));
        change.commit().await?;
        Ok(())
    }

    /// An alias that is to be added.
    pub(super) fn fresh_alias(&self, new: NewAlias) -> Result<Alias, Refusal> {
        fields::text("description", &new.description, MAX_DESCRIPTION)?;
        new.labels.check()?;
        domain(&new.address)?;
        let now = self.inner.now();
        Ok(Alias {
            id: AliasId::fresh(),
            destinations: self.checked(new.destinations)?,
            address: new.address,
            enabled: new.enabled,
            description: new.description,
            expires_at: milliseconds(new.expires_at),
            labels: new.labels,
            created_at: now,
            updated_at: now,
        })
    }

    /// At least one destination, not too many, each once.
    fn checked(&self, destinations: Vec<EmailAddress>) -> Result<Vec<EmailAddress>, Refusal> {
        let mut seen = HashSet::new();
        let destinations: Vec<EmailAddress> = destinations.into_iter().filter(|it| seen.insert(it.canonical())).collect();
        let most = self.inner.settings.max_alias_destinations;
        let problem = if destinations.is_empty() {
            "at least one address must be given".to_owned()
        } else if destinations.len() > most {
            format!("more than {most} addresses")
        } else {
            return Ok(destinations);
        };
        Err(Refusal::Invalid {
            field: "destinations",
            problem,
        })
    }
}

/// As the database keeps it.
fn milliseconds(at: Option<Timestamp>) -> Option<Timestamp> {
    at.map(|at| timestamp(at.as_millisecond()))
}

async fn add(change: &mut Change<'_>, alias: &Alias) -> Result<(), Refusal> {
    let domain = domains::known(&mut change.tx, domain(&alias.address)?).await?;
    aliases::insert(&mut change.tx, alias, domain.id).await?;
    change.note(Deed::AliasCreated, Resource::alias(&alias.address), (None, alias.shown()));
    Ok(())
}

async fn known(tx: &mut Tx, address: &AliasAddress) -> Result<Alias, Refusal> {
    aliases::find(tx, address).await?.ok_or_else(|| fields::not_found("alias", address))
}

fn domain(address: &AliasAddress) -> Result<&Domain, Refusal> {
    let domain = match address {
        AliasAddress::Address(address) => address.domain(),
        AliasAddress::CatchAll(domain) => Some(domain),
    };
    domain.ok_or_else(|| Refusal::Invalid {
        field: "address",
        problem: "an alias has a domain, not an address in brackets".into(),
    })
}
