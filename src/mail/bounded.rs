//! What answers over HTTP, as far as there is room for it.

/// The whole body of an answer; none if it has more octets than `most`.
pub(in crate::mail) async fn body(response: &mut reqwest::Response, most: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut octets = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if octets.len().saturating_add(piece.len()) > most {
            return Ok(None);
        }
        octets.extend_from_slice(&piece);
    }
    Ok(Some(octets))
}
