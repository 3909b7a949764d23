//! Octets of a stored message on their way out, a piece at a time: a large message is never in memory whole.

use std::ops::Range;
use std::sync::Arc;

use actix_web::web::{Bytes, Data};
use futures_util::{Stream, stream};

use crate::api::house::House;
use crate::api::problem::Problem;
use crate::mail::mailbox::StoredMessage;
use crate::model::refusal::Refusal;
use crate::wire::message::transfer::{Decoder, Encoding};

/// How many octets are read at a time.
const PIECE: u64 = 65_536;

struct Rest {
    house: Data<House>,
    file: Arc<StoredMessage>,
    range: Range<u64>,
    decoder: Decoder,
    ended: bool,
}

/// The octets of `range`, with their transfer encoding undone.
pub(super) fn pieces(
    house: Data<House>,
    file: StoredMessage,
    range: Range<u64>,
    encoding: Encoding,
) -> impl Stream<Item = Result<Bytes, Problem>> {
    let rest = Rest {
        house,
        file: Arc::new(file),
        range,
        decoder: Decoder::new(encoding),
        ended: false,
    };
    stream::try_unfold(rest, next)
}

async fn next(mut rest: Rest) -> Result<Option<(Bytes, Rest)>, Problem> {
    while !rest.ended {
        let mut out = Vec::new();
        let wanted = rest.range.end.saturating_sub(rest.range.start).min(PIECE);
        if wanted == 0 {
            rest.ended = true;
            rest.decoder.finish(&mut out);
        } else {
            let octets = read(&rest, wanted).await?;
            rest.range.start = rest.range.start.saturating_add(octets.len() as u64);
            rest.decoder.push(&octets, &mut out);
        }
        // A piece of nothing but line ends decodes to nothing: go on.
        if !out.is_empty() {
            return Ok(Some((out.into(), rest)));
        }
    }
    Ok(None)
}

async fn read(rest: &Rest, wanted: u64) -> Result<Bytes, Problem> {
    let (file, offset) = (Arc::clone(&rest.file), rest.range.start);
    let length = usize::try_from(wanted).unwrap_or(0);
    rest.house
        .run(|_| async move {
            let octets = file.read_at(offset, length).await?;
            // The file is shorter than it was: the client must see that it did not get all.
            if octets.is_empty() { Err(Refusal::LATER) } else { Ok(octets) }
        })
        .await
}
