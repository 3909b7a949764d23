//! The table `labels`, by which lists are picked. What a domain, user or alias has is kept in its own row too, for reading.

use super::{Error, Tx, Value};
use crate::model::ids::DomainId;
use crate::model::labels::Labels;

/// The name under which tags are kept; metadata has its own names behind a prefix.
const TAG: &str = "tag";

/// What a list is picked by. What is `None` picks all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pick {
    /// Those of these domains.
    pub domains: Option<Vec<DomainId>>,
    /// Those with this tag.
    pub tag: Option<String>,
    /// Those with this text under this name of metadata.
    pub metadata: Option<(String, String)>,
    /// Those with this text in one of their columns for people, in any case of letters.
    pub search: Option<String>,
    /// Those that are deleted and can be restored, instead of those that are there.
    pub deleted: bool,
}

impl Pick {
    /// The conditions, each after ` AND `, with their values. `domain` is the column with the domain's id, `texts` are those for people.
    pub(super) fn conditions(&self, domain: &str, texts: &[&str]) -> (String, Vec<Value>) {
        let mut sql = String::new();
        let mut values: Vec<Value> = Vec::new();
        if let Some(domains) = &self.domains {
            // There is no empty list in SQL.
            let marks = vec!["?"; domains.len().max(1)].join(", ");
            sql.push_str(&format!(" AND {domain} IN ({marks})"));
            values.extend(domains.iter().map(|id| Value::from(id.0)));
            if domains.is_empty() {
                values.push(Value::from(-1_i64));
            }
        }
        let tag = self.tag.as_ref().map(|tag| (TAG.to_owned(), tag));
        let metadata = self.metadata.as_ref().map(|(name, value)| (metadata_name(name), value));
        for (name, value) in tag.into_iter().chain(metadata) {
            sql.push_str(" AND id IN (SELECT owner FROM labels WHERE name = ? AND content = ?)");
            values.extend([Value::from(name), Value::from(value.as_str())]);
        }
        if let Some(text) = &self.search {
            let like = texts.iter().map(|column| format!("LOWER({column}) LIKE ? ESCAPE '!'"));
            sql.push_str(&format!(" AND ({})", like.collect::<Vec<_>>().join(" OR ")));
            values.extend(texts.iter().map(|_| Value::from(pattern(text))));
        }
        (sql, values)
    }
}

/// A pattern for LIKE that finds the text anywhere.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn metadata_name(name: &str) -> String {
    format!("metadata.{name}")
}

/// The text of the column.
pub(super) fn text(labels: &Labels) -> String {
    serde_json::to_string(labels).unwrap_or_default()
}

/// The labels of the column's text.
pub(super) fn parse(text: &str, column: &'static str) -> Result<Labels, Error> {
    match text {
        "" => Ok(Labels::default()),
        text => serde_json::from_str(text).map_err(|_| Error::Corrupt(column)),
    }
}

/// Adds those of a thing that has none yet.
pub(super) async fn insert(tx: &mut Tx, owner: i64, labels: &Labels) -> Result<(), Error> {
    let tags = labels.tags.iter().map(|tag| (TAG.to_owned(), tag));
    let metadata = labels.metadata.iter().map(|(name, value)| (metadata_name(name), value));
    let rows = tags.chain(metadata);
    let values: Vec<Value> = rows
        .flat_map(|(name, value)| [Value::from(owner), Value::from(name), Value::from(value.as_str())])
        .collect();
    tx.insert_many("INSERT INTO labels (owner, name, content) VALUES", 3, values)
        .await
        .map(drop)
}

/// Sets those of a thing.
pub(super) async fn update(tx: &mut Tx, owner: i64, labels: &Labels) -> Result<(), Error> {
    delete(tx, owner).await?;
    insert(tx, owner, labels).await
}

/// Drops those of a thing that goes.
pub(super) async fn delete(tx: &mut Tx, owner: i64) -> Result<(), Error> {
    tx.query("DELETE FROM labels WHERE owner = ?").bind(owner).execute().await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_follow_on_one_another() {
        let (sql, values) = Pick::default().conditions("domain_id", &["login"]);
        assert_eq!((sql.as_str(), values.len()), ("", 0));
        let pick = Pick {
            domains: Some(vec![]),
            tag: Some("vip".into()),
            search: Some("10%".into()),
            ..Pick::default()
        };
        let (sql, values) = pick.conditions("domain_id", &["login", "display_name"]);
        assert_eq!(sql.matches('?').count(), values.len());
        assert!(sql.starts_with(" AND domain_id IN (?) AND id IN"), "{sql}");
        assert_eq!(pattern("10%_A!"), "%10!%!_a!!%");
    }
}
