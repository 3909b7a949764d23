//! Walking through lists that come in pages. The methods of [`Client`](crate::Client) that end in `_all` do it.

use std::collections::VecDeque;

use futures_util::{Stream, stream};

use crate::Error;

/// Where the walk is.
enum Next {
    /// Before a page.
    Page(Option<String>),
    /// After the last.
    End,
}

/// The items of all pages, each of which is asked for when the one before it is used up. `fetch` is given the cursor of a page, and
/// gives its items and the cursor of the next.
pub fn items<T>(fetch: impl AsyncFn(Option<String>) -> Result<(Vec<T>, Option<String>), Error>) -> impl Stream<Item = Result<T, Error>> {
    let begin = (VecDeque::new(), Next::Page(None), fetch);
    stream::try_unfold(begin, async |(mut items, mut next, fetch)| {
        loop {
            if let Some(item) = items.pop_front() {
                return Ok(Some((item, (items, next, fetch))));
            }
            let Next::Page(cursor) = next else { return Ok(None) };
            let (page, cursor) = fetch(cursor).await?;
            items = VecDeque::from(page);
            next = cursor.map_or(Next::End, |cursor| Next::Page(Some(cursor)));
        }
    })
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn every_page_is_asked_for_once() {
        let fetch = async |cursor: Option<String>| match cursor.as_deref() {
            None => Ok((vec![1, 2], Some("b".to_owned()))),
            Some("b") => Ok((Vec::new(), Some("c".to_owned()))),
            Some("c") => Ok((vec![3], None)),
            Some(other) => panic!("no page {other}"),
        };
        let all: Vec<i32> = items(fetch).try_collect().await.unwrap();
        assert_eq!(all, [1, 2, 3]);
    }
}
