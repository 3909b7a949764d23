//! Lists that the house gives in pages.

use super::failure::Failure;
use crate::mail::directory::Page;

/// How many things are asked for at a time.
pub(super) const PAGE: usize = 500;

/// The same, for a server elsewhere.
pub(super) fn limit() -> (&'static str, String) {
    ("limit", PAGE.to_string())
}

/// Fetches page after page and hands each on.
pub(super) async fn each<T, E>(
    mut fetch: impl AsyncFnMut(Option<&str>) -> Result<Page<T>, E>,
    mut take: impl FnMut(Vec<T>) -> Result<(), Failure>,
) -> Result<(), Failure>
where
    Failure: From<E>,
{
    let mut after = None;
    loop {
        let page = fetch(after.as_deref()).await?;
        take(page.items)?;
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::refusal::Refusal;

    #[tokio::test]
    async fn every_page_is_fetched_once() {
        let fetch = async |after: Option<&str>| {
            let (items, next) = match after {
                None => (vec![1, 2], Some("2".to_owned())),
                Some("2") => (vec![3], None),
                Some(other) => return Err(Refusal::UnknownRecipient(other.to_owned())),
            };
            Ok(Page { items, next })
        };
        let mut taken = Vec::new();
        each(fetch, |items| {
            taken.extend(items);
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(taken, [1, 2, 3]);
    }
}
