//! ManageSieve: commands with their literals.

use bytes::BytesMut;
use posthouse::wire::managesieve::command::{take_command, take_string};

/// The most octets of a literal.
const MOST: usize = 1024;

/// Commands, one after the other: whatever is said, the reading goes on or ends; what came in pieces is the same as what came at once.
pub fn command(data: &[u8]) {
    let mut whole = BytesMut::from(data);
    let mut at_once = Vec::new();
    while let Ok(Some(command)) = take_command(&mut whole, MOST) {
        at_once.push(command);
    }
    let (octets, size) = super::pieces(data);
    let mut input = BytesMut::new();
    let mut in_pieces = 0_usize;
    for piece in octets.chunks(size) {
        input.extend_from_slice(piece);
        while let Ok(Some(_)) = take_command(&mut input, MOST) {
            in_pieces += 1;
        }
    }
    let mut whole = BytesMut::from(octets);
    let mut expected = 0_usize;
    while let Ok(Some(_)) = take_command(&mut whole, MOST) {
        expected += 1;
    }
    assert_eq!(in_pieces, expected, "pieces make a difference");
    let _ = take_string(&mut BytesMut::from(data));
}
