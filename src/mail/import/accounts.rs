//! Domains, users with the hashes of their passwords, and aliases of an ISPmail or postfixadmin database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::mail::directory::{self, Directory, NewAlias, NewDomain, NewPassword, NewUser};
use crate::model::account::{AliasAddress, Retention, Role};
use crate::model::address::{Domain, EmailAddress};
use crate::model::labels::Labels;
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::store;
use crate::store::db::ispmail::{self, ForeignDomain, ForeignUser};

pub use crate::store::db::ispmail::Accounts;

/// How many were added, were here already, or could not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Added.
    pub added: u64,
    /// Here already, and left as they are.
    pub known: u64,
    /// Neither.
    pub failed: u64,
}

/// What became of the accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Domains.
    pub domains: Tally,
    /// Users.
    pub users: Tally,
    /// Aliases.
    pub aliases: Tally,
    /// What went wrong, or is not as it was there, for people.
    pub problems: Vec<String>,
    /// The users that are here now (or would be), as they are written there: the login here, and where the table says that their mail is.
    pub here: Vec<(String, Option<String>)>,
}

/// How accounts are brought.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Only say what would be done.
    pub dry_run: bool,
    /// The scheme of hashes that do not name theirs, such as `PLAIN-MD5`.
    pub default_scheme: Option<String>,
}

/// Reads the accounts of a database. The error is a sentence for the operator.
pub async fn read(url: &str) -> Result<Accounts, store::Error> {
    ispmail::read(url).await
}

/// What became of one thing.
enum Outcome {
    Added,
    Known,
    Failed(String),
}

/// Brings them: what is here already stays as it is.
pub async fn bring(directory: &Directory, accounts: &Accounts, terms: &Terms) -> Result<Report, Refusal> {
    let mut report = Report::default();
    for domain in &accounts.domains {
        let outcome = bring_domain(directory, domain, (terms, accounts)).await?;
        report.domains.count(&mut report.problems, (&domain.name, outcome));
    }
    for user in &accounts.users {
        let outcome = bring_user(directory, user, (terms, &mut report.problems)).await?;
        if !matches!(outcome, Outcome::Failed(_)) {
            report.here.push((user.address.clone(), user.maildir.clone()));
        }
        report.users.count(&mut report.problems, (&user.address, outcome));
    }
    for (address, (destinations, enabled)) in grouped(accounts) {
        let (good, bad) = parted(&destinations);
        if !bad.is_empty() {
            report
                .problems
                .push(format!("{address}: no mail goes on to {}: that is no address", bad.join(", ")));
        }
        if leads_to_itself(&address, &good) {
            continue;
        }
        let outcome = bring_alias(directory, &address, (good, enabled, terms.dry_run)).await?;
        report.aliases.count(&mut report.problems, (&address, outcome));
    }
    Ok(report)
}

impl Tally {
    fn count(&mut self, problems: &mut Vec<String>, (name, outcome): (&str, Outcome)) {
        let counter = match &outcome {
            Outcome::Added => &mut self.added,
            Outcome::Known => &mut self.known,
            Outcome::Failed(_) => &mut self.failed,
        };
        *counter = counter.saturating_add(1);
        if let Outcome::Failed(problem) = outcome {
            problems.push(format!("{name}: {problem}"));
        }
    }
}

/// A refusal of the thing itself is told; one of the house ends the import.
fn outcome<T>(result: Result<T, Refusal>) -> Result<Outcome, Refusal> {
    match result {
        Ok(_) => Ok(Outcome::Added),
        Err(Refusal::Exists { .. }) => Ok(Outcome::Known),
        Err(refusal) if refusal.is_temporary() => Err(refusal),
        Err(refusal) => Ok(Outcome::Failed(refusal.to_string())),
    }
}

/// Whether it is here already, by an answer to that question.
fn known<T>(found: Result<T, Refusal>) -> Result<Outcome, Refusal> {
    match found {
        Ok(_) => Ok(Outcome::Known),
        Err(Refusal::NotFound { .. }) => Ok(Outcome::Added),
        Err(refusal) if refusal.is_temporary() => Err(refusal),
        Err(refusal) => Ok(Outcome::Failed(refusal.to_string())),
    }
}

async fn bring_domain(directory: &Directory, domain: &ForeignDomain, (terms, all): (&Terms, &Accounts)) -> Result<Outcome, Refusal> {
    if domain.is_backup {
        return Ok(Outcome::Failed("it is only a backup MX there; that is not brought".into()));
    }
    let parsed = Domain::parse(&domain.name).and_then(|name| {
        let alias_of = domain.alias_of.as_deref().map(Domain::parse).transpose()?;
        Ok((name, alias_of))
    });
    let (name, alias_of) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return Ok(Outcome::Failed(error.to_string())),
    };
    if terms.dry_run {
        return match &alias_of {
            Some(real) if all.domains.iter().all(|it| Domain::parse(&it.name).ok().as_ref() != Some(real)) => {
                Ok(Outcome::Failed(format!("there is no domain {real}")))
            }
            _ => known(directory.domain(&name).await),
        };
    }
    let new = NewDomain {
        domain: name,
        alias_of,
        enabled: domain.enabled,
        description: domain.description.clone(),
        labels: Labels::default(),
    };
    outcome(directory.create_domain(new).await)
}

async fn bring_user(directory: &Directory, user: &ForeignUser, (terms, problems): (&Terms, &mut Vec<String>)) -> Result<Outcome, Refusal> {
    if !user.address.contains('@') {
        return Ok(Outcome::Failed("it is no mail address".into()));
    }
    let password = user.password.as_deref().map(|text| password(text, terms.default_scheme.as_deref()));
    let is_usable = match &password {
        Some(NewPassword::Hash(hash)) => directory::knows_hash(hash),
        Some(NewPassword::Clear(_)) => true,
        None => false,
    };
    if terms.dry_run {
        let found = known(directory.user(&user.address).await)?;
        if matches!(found, Outcome::Added) && !is_usable {
            problems.push(no_password(&user.address));
        }
        return Ok(found);
    }
    let new = NewUser {
        login: user.address.clone(),
        password: password.filter(|_| is_usable),
        display_name: user.name.clone(),
        role: Role::User,
        enabled: user.enabled,
        quota_bytes: u64::try_from(user.quota).ok().filter(|&quota| quota > 0),
        quota_messages: None,
        retention: Retention::default(),
        labels: Labels::default(),
    };
    let mut made = directory.create_user(new.clone()).await;
    let mut has_password = is_usable;
    if matches!(&made, Err(Refusal::Invalid { field: "password", .. })) {
        // One in clear that is too short here.
        has_password = false;
        made = directory.create_user(NewUser { password: None, ..new }).await;
    }
    let made = outcome(made)?;
    if matches!(made, Outcome::Added) && !has_password {
        problems.push(no_password(&user.address));
    }
    Ok(made)
}

fn no_password(address: &str) -> String {
    format!("{address}: the password there is in no form that is known here; set a new one before they can log in")
}

/// The password as it stands in the table.
fn password(text: &str, default_scheme: Option<&str>) -> NewPassword {
    let text = text.trim();
    let (scheme, value) = match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((scheme, value)) => (Some(scheme), value),
        None if text.starts_with('$') || text.starts_with("SCRAM-") => (None, text),
        None => (default_scheme.or(is_md5(text).then_some("PLAIN-MD5")), text),
    };
    match scheme {
        Some(scheme)
            if ["PLAIN", "CLEAR", "CLEARTEXT"]
                .iter()
                .any(|clear| clear.eq_ignore_ascii_case(scheme)) =>
        {
            NewPassword::Clear(Secret::new(value))
        }
        Some(scheme) => NewPassword::Hash(Secret::new(format!("{{{scheme}}}{value}"))),
        None => NewPassword::Hash(Secret::new(value)),
    }
}

/// The guide's oldest editions kept what MySQL's `MD5()` gives.
fn is_md5(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|octet| octet.is_ascii_hexdigit())
}

/// The aliases, with all destinations of each.
fn grouped(accounts: &Accounts) -> BTreeMap<String, (Vec<String>, bool)> {
    let mut all: BTreeMap<String, (Vec<String>, bool)> = BTreeMap::new();
    for alias in &accounts.aliases {
        let entry = all.entry(alias.address.trim().to_lowercase()).or_default();
        let destinations = alias.destinations.split(',').map(str::trim).filter(|text| !text.is_empty());
        entry.0.extend(destinations.map(ToOwned::to_owned));
        entry.1 |= alias.enabled;
    }
    all
}

/// The addresses, and what is none: commands, files, the marks of a vacation program.
fn parted(destinations: &[String]) -> (Vec<EmailAddress>, Vec<&str>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for text in destinations {
        match EmailAddress::parse(text) {
            Ok(address) if !text.starts_with(['|', '/', ':']) && !address.local().contains('#') => good.push(address),
            _ => bad.push(text.as_str()),
        }
    }
    (good, bad)
}

/// postfixadmin has an alias for each mailbox, which leads to nobody else.
fn leads_to_itself(address: &str, destinations: &[EmailAddress]) -> bool {
    let own = EmailAddress::parse(address).ok();
    !destinations.is_empty() && destinations.iter().all(|destination| Some(destination) == own.as_ref())
}

async fn bring_alias(
    directory: &Directory,
    address: &str,
    (destinations, enabled, dry_run): (Vec<EmailAddress>, bool, bool),
) -> Result<Outcome, Refusal> {
    let address: AliasAddress = match address.parse() {
        Ok(address) => address,
        Err(error) => return Ok(Outcome::Failed(format!("{error}"))),
    };
    if destinations.is_empty() {
        return Ok(Outcome::Failed("it leads to no address".into()));
    }
    if let Ok(alias) = directory.alias(&address).await {
        let same = |it: &EmailAddress| alias.destinations.contains(it);
        return Ok(
            match destinations.iter().all(same) && destinations.len() == alias.destinations.len() {
                true => Outcome::Known,
                false => Outcome::Failed("it is here already and leads elsewhere; it stays as it is".into()),
            },
        );
    }
    if dry_run {
        return Ok(Outcome::Added);
    }
    let new = NewAlias {
        enabled,
        ..NewAlias::new(address, destinations)
    };
    outcome(directory.create_alias(new).await)
}

/// Where the mail of a user lies below the directory of all: `DOMAIN/LOCAL/Maildir`, `DOMAIN/LOCAL`, `ADDRESS/Maildir`, `ADDRESS`, or what the
/// table says.
pub fn maildir(root: &Path, address: &str, said: Option<&str>) -> Option<PathBuf> {
    let lower = address.to_lowercase();
    let mut places: Vec<PathBuf> = said.filter(|path| is_below(path)).map(PathBuf::from).into_iter().collect();
    for address in [address, lower.as_str()].into_iter().filter(|address| is_below(address)) {
        if let Some((local, domain)) = address.rsplit_once('@') {
            places.push(Path::new(domain).join(local));
        }
        places.push(PathBuf::from(address));
    }
    let both = places
        .into_iter()
        .flat_map(|place| [root.join(&place).join("Maildir"), root.join(place)]);
    let has_mail = |path: &PathBuf| store::maildir::Tree::of(path).is_ok_and(|tree| !tree.folders.is_empty());
    both.into_iter().find(has_mail)
}

/// Names of a table that lead nowhere else.
fn is_below(path: &str) -> bool {
    !path.starts_with('/') && path.split('/').all(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_told_by_their_form() {
        for (text, default, hash) in [
            ("{BLF-CRYPT}$2y$05$x", None, "{BLF-CRYPT}$2y$05$x"),
            ("$6$salt$x", Some("SHA512"), "$6$salt$x"),
            (
                "0cc175b9c0f1b6a831c399e269772661",
                None,
                "{PLAIN-MD5}0cc175b9c0f1b6a831c399e269772661",
            ),
            ("abc=", Some("SSHA256"), "{SSHA256}abc="),
            ("abc=", None, "abc="),
        ] {
            let NewPassword::Hash(made) = password(text, default) else {
                panic!("{text}")
            };
            assert_eq!(made.expose(), hash);
        }
        let NewPassword::Clear(clear) = password("{plain}secret", None) else {
            panic!()
        };
        assert_eq!(clear.expose(), "secret");
    }

    #[test]
    fn destinations_are_addresses() {
        let texts = ["a@x.test", "|/usr/bin/vacation", "b#y.test@autoreply.test", "@y.test", "/dev/null"].map(ToOwned::to_owned);
        let (good, bad) = parted(&texts);
        assert_eq!(good.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a@x.test"]);
        assert_eq!(bad.len(), 4);
        assert!(leads_to_itself("a@x.test", &good) && !leads_to_itself("b@x.test", &good) && !leads_to_itself("@x.test", &good));
    }

    #[test]
    fn mail_is_found_where_guides_put_it() {
        let dir = tempfile::tempdir().unwrap();
        for (place, address, said) in [
            ("x.test/ada/Maildir", "Ada@x.test", None),
            ("x.test/bob", "bob@x.test", None),
            ("carol@x.test", "carol@x.test", None),
            ("other/place", "dan@x.test", Some("other/place/")),
        ] {
            std::fs::create_dir_all(dir.path().join(place).join("cur")).unwrap();
            assert_eq!(maildir(dir.path(), address, said), Some(dir.path().join(place)));
        }
        assert_eq!(maildir(dir.path(), "eve@x.test", Some("../x")), None);
        assert_eq!(maildir(dir.path(), "../x.test@y", None), None);
    }
}
