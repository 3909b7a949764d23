//! The tables of other programs that keep accounts in SQL: those of the ISPmail guide, and those of postfixadmin. Only read.

use super::dialect::Pools;
use super::{Dialect, Row, Tx};
use crate::config;
use crate::store::Error;

/// Whose tables they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// `virtual_domains`, `virtual_users`, `virtual_aliases` (<https://workaround.org/ispmail>).
    Ispmail,
    /// `domain`, `mailbox`, `alias` (<https://github.com/postfixadmin/postfixadmin>).
    Postfixadmin,
}

impl Schema {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ispmail => "ISPmail",
            Self::Postfixadmin => "postfixadmin",
        }
    }
}

/// All that is there, as it is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// Whose tables.
    pub schema: Schema,
    /// Domains, those that are other names of others last.
    pub domains: Vec<ForeignDomain>,
    /// Users.
    pub users: Vec<ForeignUser>,
    /// Pairs of an address and where its mail goes; an address may have several.
    pub aliases: Vec<ForeignAlias>,
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignDomain {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether it is on.
    pub enabled: bool,
    /// The domain that it is another name of.
    pub alias_of: Option<String>,
    /// It is only a backup MX of it.
    pub is_backup: bool,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignUser {
    /// The mail address.
    pub address: String,
    /// The hash of the password.
    pub password: Option<String>,
    /// The name for people.
    pub name: String,
    /// The most octets; 0 or less is no limit.
    pub quota: i64,
    /// Whether they are on.
    pub enabled: bool,
    /// Where their mail is, below the directory of all, if the table says it.
    pub maildir: Option<String>,
}

/// An address that leads elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignAlias {
    /// The address, or `@domain`.
    pub address: String,
    /// Addresses with commas between them.
    pub destinations: String,
    /// Whether it is on.
    pub enabled: bool,
}

/// Reads all accounts from the database at `url`.
///
/// # Errors
/// [`Error::Unusable`] with a sentence: it cannot be opened, or its tables are others.
pub async fn read(url: &str) -> Result<Accounts, Error> {
    if url.starts_with("sqlite:") {
        return Err(Error::Unusable("--database: it must begin with mysql:// or postgres://".into()));
    }
    let settings = config::Database {
        url: url.to_owned(),
        max_connections: 2,
        ..config::Database::default()
    };
    let pools = Pools::open(&settings, std::path::Path::new("")).await.map_err(named)?;
    let mut tx = Tx {
        inner: pools.begin_read().await?,
    };
    let accounts = read_all(&mut tx).await;
    drop(tx);
    pools.close().await;
    accounts
}

/// The database is an argument here, and no key of the configuration.
fn named(error: Error) -> Error {
    match error {
        Error::Unusable(text) => Error::Unusable(text.replacen("database.url", "--database", 1)),
        error => error,
    }
}

async fn read_all(tx: &mut Tx) -> Result<Accounts, Error> {
    let columns = Columns::read(tx).await?;
    let has = |tables: &[&str]| tables.iter().all(|table| columns.has_table(table));
    if has(&["virtual_domains", "virtual_users"]) {
        return ispmail(tx, &columns).await;
    }
    if has(&["domain", "mailbox", "alias"]) {
        return postfixadmin(tx, &columns).await;
    }
    Err(Error::Unusable(
        "--database: it has neither the tables of ISPmail (virtual_domains, virtual_users, virtual_aliases) nor those of postfixadmin (domain, \
         mailbox, alias)"
            .into(),
    ))
}

/// Which columns there are: the tables have changed over the years.
struct Columns {
    dialect: Dialect,
    all: Vec<(String, String)>,
}

impl Columns {
    async fn read(tx: &mut Tx) -> Result<Self, Error> {
        let dialect = tx.dialect();
        let schema = dialect.pick("''", "current_schema()", "DATABASE()");
        let sql = format!("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = {schema}");
        let row = |row: &Row<'_>| Ok((row.text(0)?.to_lowercase(), row.text(1)?.to_lowercase()));
        let all = tx.query_built(sql).all(row).await?;
        Ok(Self { dialect, all })
    }

    fn has_table(&self, table: &str) -> bool {
        self.all.iter().any(|(known, _)| known == table)
    }

    fn has(&self, table: &str, column: &str) -> bool {
        self.all.iter().any(|(known, other)| known == table && other == column)
    }

    /// A column as an integer, or another expression if it is not there.
    fn integer(&self, table: &str, column: &'static str, otherwise: &str) -> String {
        let kind = self.dialect.pick("BIGINT", "BIGINT", "SIGNED");
        match self.has(table, column) {
            true => format!("CAST({column} AS {kind})"),
            false => format!("CAST({otherwise} AS {kind})"),
        }
    }

    /// A column that says yes or no, as 1 or 0.
    fn switch(&self, table: &str, column: &'static str, otherwise: &str) -> String {
        match self.has(table, column) {
            true => format!("CASE WHEN {column} THEN 1 ELSE 0 END"),
            false => otherwise.to_owned(),
        }
    }

    fn text(&self, table: &str, column: &'static str) -> String {
        if self.has(table, column) {
            column.to_owned()
        } else {
            "''".to_owned()
        }
    }
}

async fn ispmail(tx: &mut Tx, columns: &Columns) -> Result<Accounts, Error> {
    let domains = tx
        .query("SELECT name FROM virtual_domains ORDER BY name")
        .all(|row| {
            Ok(ForeignDomain {
                name: row.text(0)?,
                description: String::new(),
                enabled: true,
                alias_of: None,
                is_backup: false,
            })
        })
        .await?;
    // Old tables have the local part alone, in `user`.
    let address = if columns.has("virtual_users", "email") { "email" } else { "u.user" };
    let sql = format!(
        "SELECT {address}, d.name, u.password, {} FROM virtual_users u LEFT JOIN virtual_domains d ON d.id = u.domain_id ORDER BY u.id",
        columns.integer("virtual_users", "quota", "0"),
    );
    let users = tx
        .query_built(sql)
        .all(|row| {
            Ok(ForeignUser {
                address: full(row.text(0)?, row.text_or_null(1)?),
                password: row.text_or_null(2)?,
                name: String::new(),
                quota: row.integer_or_null(3)?.unwrap_or(0),
                enabled: true,
                maildir: None,
            })
        })
        .await?;
    let mut aliases = Vec::new();
    if columns.has_table("virtual_aliases") {
        let sql =
            "SELECT a.source, d.name, a.destination FROM virtual_aliases a LEFT JOIN virtual_domains d ON d.id = a.domain_id ORDER BY a.id";
        let alias = |row: &Row<'_>| {
            Ok(ForeignAlias {
                address: full(row.text(0)?, row.text_or_null(1)?),
                destinations: row.text(2)?,
                enabled: true,
            })
        };
        aliases = tx.query(sql).all(alias).await?;
    }
    Ok(Accounts {
        schema: Schema::Ispmail,
        domains,
        users,
        aliases,
    })
}

/// An address; old tables leave the domain out.
fn full(address: String, domain: Option<String>) -> String {
    match domain {
        Some(domain) if !address.contains('@') => format!("{address}@{domain}"),
        _ => address,
    }
}

async fn postfixadmin(tx: &mut Tx, columns: &Columns) -> Result<Accounts, Error> {
    let sql = format!(
        "SELECT domain, {}, {}, {} FROM domain WHERE domain <> 'ALL' ORDER BY domain",
        columns.text("domain", "description"),
        columns.switch("domain", "active", "1"),
        columns.switch("domain", "backupmx", "0"),
    );
    let domain = |row: &Row<'_>| {
        Ok(ForeignDomain {
            name: row.text(0)?,
            description: row.text_or_null(1)?.unwrap_or_default(),
            enabled: row.integer(2)? != 0,
            alias_of: None,
            is_backup: row.integer(3)? != 0,
        })
    };
    let mut domains = tx.query_built(sql).all(domain).await?;
    if columns.has_table("alias_domain") {
        let sql = format!(
            "SELECT alias_domain, target_domain, {} FROM alias_domain ORDER BY alias_domain",
            columns.switch("alias_domain", "active", "1")
        );
        let other = |row: &Row<'_>| Ok((row.text(0)?, row.text(1)?, row.integer(2)? != 0));
        for (name, target, enabled) in tx.query_built(sql).all(other).await? {
            let known = domains.iter().position(|domain| domain.name.eq_ignore_ascii_case(&name));
            let known = known.map(|at| domains.remove(at));
            domains.push(ForeignDomain {
                description: known.as_ref().map(|domain| domain.description.clone()).unwrap_or_default(),
                enabled: enabled && known.is_none_or(|domain| domain.enabled),
                alias_of: Some(target),
                is_backup: false,
                name,
            });
        }
    }
    Ok(Accounts {
        schema: Schema::Postfixadmin,
        domains,
        users: mailboxes(tx, columns).await?,
        aliases: aliases(tx, columns).await?,
    })
}

async fn mailboxes(tx: &mut Tx, columns: &Columns) -> Result<Vec<ForeignUser>, Error> {
    let sql = format!(
        "SELECT username, password, {}, {}, {}, {} FROM mailbox ORDER BY username",
        columns.text("mailbox", "name"),
        columns.integer("mailbox", "quota", "0"),
        columns.switch("mailbox", "active", "1"),
        columns.text("mailbox", "maildir"),
    );
    let user = |row: &Row<'_>| {
        Ok(ForeignUser {
            address: row.text(0)?,
            password: row.text_or_null(1)?,
            name: row.text_or_null(2)?.unwrap_or_default(),
            quota: row.integer_or_null(3)?.unwrap_or(0),
            enabled: row.integer(4)? != 0,
            maildir: row.text_or_null(5)?.filter(|path| !path.is_empty()),
        })
    };
    tx.query_built(sql).all(user).await
}

async fn aliases(tx: &mut Tx, columns: &Columns) -> Result<Vec<ForeignAlias>, Error> {
    let sql = format!(
        "SELECT address, goto, {} FROM alias ORDER BY address",
        columns.switch("alias", "active", "1")
    );
    let alias = |row: &Row<'_>| {
        Ok(ForeignAlias {
            address: row.text(0)?,
            destinations: row.text_or_null(1)?.unwrap_or_default(),
            enabled: row.integer(2)? != 0,
        })
    };
    tx.query_built(sql).all(alias).await
}
