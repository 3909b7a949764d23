//! Domains.

use super::change::Change;
use super::{Directory, DomainChange, NewDomain, Page, Picked, Placed, fields};
use crate::mail::audit::Shown;
use crate::model::account::DomainRecord;
use crate::model::address::Domain;
use crate::model::audit::{Deed, Resource};
use crate::model::ids::DomainId;
use crate::model::refusal::Refusal;
use crate::store::db::labels::Pick;
use crate::store::db::{Tx, domains};

const MAX_DESCRIPTION: usize = 2_000;

impl Directory {
    /// A page of the domains that are picked, by name.
    pub async fn domains(&self, picked: &Picked, after: Option<&str>, limit: usize) -> Result<Page<DomainRecord>, Refusal> {
        let limit = fields::page_size(limit);
        let mut tx = self.inner.database.read().await?;
        let pick = pick(&mut tx, picked).await?;
        let found = domains::page(&mut tx, &pick, after.unwrap_or_default(), fields::and_one(limit)).await?;
        Ok(fields::page(found, limit, |it| it.domain.to_string()))
    }

    /// One domain. Errors: NotFound.
    pub async fn domain(&self, domain: &Domain) -> Result<DomainRecord, Refusal> {
        known(&mut self.inner.database.read().await?, domain).await
    }

    /// Adds a domain. Errors: Exists, NotFound (the domain it is to be another name of), Invalid.
    pub async fn create_domain(&self, new: NewDomain) -> Result<DomainRecord, Refusal> {
        let record = self.fresh(new)?;
        let mut change = self.change().await?;
        if domains::find(&mut change.tx, &record.domain).await?.is_some() {
            return Err(fields::is_there("domain", &record.domain));
        }
        add(&mut change, &record).await?;
        change.commit().await?;
        Ok(record)
    }

    /// Adds a domain, or sets every field of the one that is there. Errors: NotFound (the domain it is to be another name of), Invalid,
    /// Changed.
    pub async fn put_domain(&self, new: NewDomain) -> Result<Placed<DomainRecord>, Refusal> {
        let record = self.fresh(new)?;
        let mut change = self.change().await?;
        let placed = self.place_domain(&mut change, record).await?;
        change.commit().await?;
        Ok(placed)
    }

    /// The same within a change. An error has changed nothing.
    pub(super) async fn place_domain(&self, change: &mut Change<'_>, new: DomainRecord) -> Result<Placed<DomainRecord>, Refusal> {
        let there = domains::find(&mut change.tx, &new.domain).await?;
        self.check(there.as_ref().map(DomainRecord::revision))?;
        let Some(there) = there else {
            add(change, &new).await?;
            return Ok(Placed { now: new, is_new: true });
        };
        let now = DomainRecord {
            id: there.id,
            created_at: there.created_at,
            updated_at: self.inner.after(there.updated_at),
            ..new
        };
        check_alias_of(change, &now).await?;
        domains::update(&mut change.tx, &now).await?;
        change.note(Deed::DomainChanged, Resource::domain(&now.domain), (there.shown(), now.shown()));
        Ok(Placed { now, is_new: false })
    }

    /// Changes a domain: what is `None` stays. Errors: NotFound, Invalid, Changed.
    pub async fn change_domain(&self, domain: &Domain, wanted: DomainChange) -> Result<DomainRecord, Refusal> {
        fields::text("description", wanted.description.as_deref().unwrap_or_default(), MAX_DESCRIPTION)?;
        let mut change = self.change().await?;
        let mut record = known(&mut change.tx, domain).await?;
        self.check(Some(record.revision()))?;
        let before = record.shown();
        record.alias_of = wanted.alias_of.unwrap_or(record.alias_of);
        record.enabled = wanted.enabled.unwrap_or(record.enabled);
        record.description = wanted.description.unwrap_or(record.description);
        record.labels = record.labels.changed(wanted.labels)?;
        record.updated_at = self.inner.after(record.updated_at);
        check_alias_of(&mut change, &record).await?;
        domains::update(&mut change.tx, &record).await?;
        change.note(Deed::DomainChanged, Resource::domain(domain), (before, record.shown()));
        change.commit().await?;
        Ok(record)
    }

    /// Removes a domain. Refused with InUse while it has users, aliases, or domains that are other names of it. Errors: NotFound, InUse,
    /// Changed.
    pub async fn remove_domain(&self, domain: &Domain) -> Result<(), Refusal> {
        let mut change = self.change().await?;
        let record = known(&mut change.tx, domain).await?;
        self.check(Some(record.revision()))?;
        let uses = domains::uses(&mut change.tx, &record).await?;
        let counted = [
            (uses.users, "users"),
            (uses.deleted_users, "deleted users who can still be restored; purge them first"),
            (uses.aliases, "aliases"),
            (uses.domains, "alias domains"),
        ];
        if let Some((count, what)) = counted.into_iter().find(|(count, _)| *count > 0) {
            return Err(Refusal::InUse(format!("the domain {domain} still has {count} {what}")));
        }
        domains::delete(&mut change.tx, record.id).await?;
        change.note(Deed::DomainRemoved, Resource::domain(domain), (record.shown(), None));
        change.commit().await?;
        Ok(())
    }

    /// The record of a domain that is to be added.
    pub(super) fn fresh(&self, new: NewDomain) -> Result<DomainRecord, Refusal> {
        fields::text("description", &new.description, MAX_DESCRIPTION)?;
        new.labels.check()?;
        let now = self.inner.now();
        Ok(DomainRecord {
            id: DomainId::fresh(),
            domain: new.domain,
            alias_of: new.alias_of,
            enabled: new.enabled,
            description: new.description,
            labels: new.labels,
            created_at: now,
            updated_at: now,
        })
    }
}

async fn add(change: &mut Change<'_>, record: &DomainRecord) -> Result<(), Refusal> {
    check_alias_of(change, record).await?;
    domains::insert(&mut change.tx, record).await?;
    change.note(Deed::DomainCreated, Resource::domain(&record.domain), (None, record.shown()));
    Ok(())
}

/// What a list is picked by, with the ids of the domains. Errors: NotFound (a domain).
pub(super) async fn pick(tx: &mut Tx, picked: &Picked) -> Result<Pick, Refusal> {
    let mut ids = Vec::new();
    for domain in picked.domains.iter().flatten() {
        ids.push(known(tx, domain).await?.id);
    }
    Ok(Pick {
        domains: picked.domains.as_ref().map(|_| ids),
        tag: picked.tag.clone(),
        metadata: picked.metadata.clone(),
        search: picked.search.clone(),
        deleted: picked.deleted,
    })
}

/// The domain, or that there is none.
pub(super) async fn known(tx: &mut Tx, domain: &Domain) -> Result<DomainRecord, Refusal> {
    domains::find(tx, domain).await?.ok_or_else(|| fields::not_found("domain", domain))
}

/// A domain is another name of one that is itself: no chains, no circles.
async fn check_alias_of(change: &mut Change<'_>, record: &DomainRecord) -> Result<(), Refusal> {
    let Some(real) = &record.alias_of else { return Ok(()) };
    let invalid = |problem: String| {
        Err(Refusal::Invalid {
            field: "alias_of",
            problem,
        })
    };
    if *real == record.domain {
        return invalid(format!("{real} cannot be another name of itself"));
    }
    if let Some(further) = known(&mut change.tx, real).await?.alias_of {
        return invalid(format!("{real} is itself another name of {further}; name that one"));
    }
    if domains::uses(&mut change.tx, record).await?.domains > 0 {
        return invalid(format!("other domains are names of {}", record.domain));
    }
    Ok(())
}
