//! Aliases.

use std::collections::HashSet;

use super::{Directory, Page, domains, fields};
use crate::model::account::{Alias, AliasAddress};
use crate::model::address::{Domain, EmailAddress};
use crate::model::ids::AliasId;
use crate::model::refusal::Refusal;
use crate::store::db::{Tx, aliases};

const MAX_DESCRIPTION: usize = 2_000;

impl Directory {
    /// A page of the aliases of a domain, or of all, by address (catch-alls first).
    pub async fn aliases(&self, domain: Option<&Domain>, after: Option<&str>, limit: usize) -> Result<Page<Alias>, Refusal> {
        let limit = fields::page_size(limit);
        let mut tx = self.inner.database.read().await?;
        let domain = match domain {
            Some(domain) => Some(domains::known(&mut tx, domain).await?.id),
            None => None,
        };
        let found = aliases::page(&mut tx, domain, after.unwrap_or_default(), fields::and_one(limit)).await?;
        Ok(fields::page(found, limit, |it| aliases::key(&it.address)))
    }

    /// One alias. Errors: NotFound.
    pub async fn alias(&self, address: &AliasAddress) -> Result<Alias, Refusal> {
        known(&mut self.inner.database.read().await?, address).await
    }

    /// Adds an alias. It may have the address of a user, and then wins over them. Errors: Exists, NotFound (the domain), Invalid.
    pub async fn create_alias(
        &self,
        address: AliasAddress,
        destinations: Vec<EmailAddress>,
        description: String,
    ) -> Result<Alias, Refusal> {
        fields::text("description", &description, MAX_DESCRIPTION)?;
        let now = self.inner.now();
        let alias = Alias {
            id: AliasId::fresh(),
            destinations: self.checked(destinations)?,
            address,
            enabled: true,
            description,
            created_at: now,
            updated_at: now,
        };
        let mut change = self.inner.change().await?;
        let domain = domains::known(&mut change.tx, domain(&alias.address)?).await?;
        let inserted = aliases::insert(&mut change.tx, &alias, domain.id).await;
        inserted.map_err(|error| fields::exists(error, "alias", &alias.address))?;
        change.commit().await?;
        Ok(alias)
    }

    /// Changes an alias: what is `None` stays. Errors: NotFound, Invalid.
    pub async fn change_alias(
        &self,
        address: &AliasAddress,
        destinations: Option<Vec<EmailAddress>>,
        enabled: Option<bool>,
        description: Option<String>,
    ) -> Result<Alias, Refusal> {
        fields::text("description", description.as_deref().unwrap_or_default(), MAX_DESCRIPTION)?;
        let destinations = destinations.map(|all| self.checked(all)).transpose()?;
        let mut change = self.inner.change().await?;
        let mut alias = known(&mut change.tx, address).await?;
        alias.destinations = destinations.unwrap_or(alias.destinations);
        alias.enabled = enabled.unwrap_or(alias.enabled);
        alias.description = description.unwrap_or(alias.description);
        alias.updated_at = self.inner.now();
        aliases::update(&mut change.tx, &alias).await?;
        change.commit().await?;
        Ok(alias)
    }

    /// Removes an alias. Errors: NotFound.
    pub async fn remove_alias(&self, address: &AliasAddress) -> Result<(), Refusal> {
        let mut change = self.inner.change().await?;
        if !aliases::delete(&mut change.tx, address).await? {
            return Err(fields::not_found("alias", address));
        }
        change.commit().await?;
        Ok(())
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
