//! The milter protocol, version 6: how a mail server asks filters beside it, one step of the dialogue after the other.
//!
//! It is that of libmilter, as sendmail's `libmilter/mfdef.h` and its documentation have it. A packet is a length of four octets, an octet
//! that says what it is, and data; texts end with a zero octet. [`command`] writes what the server asks, [`answer`] reads what a filter
//! says, [`headers`] is the header that both speak of.

pub mod answer;
pub mod command;
pub mod headers;

/// The version of the protocol.
pub const VERSION: u32 = 6;

/// The most octets of a body that go in one packet.
pub const PIECE: usize = 65_535;

/// What a filter may do with a message: bits of the negotiation.
pub mod action {
    /// Add fields to the header.
    pub const ADD_HEADERS: u32 = 0x01;
    /// Put another body in the place of the one that came.
    pub const CHANGE_BODY: u32 = 0x02;
    /// Add recipients.
    pub const ADD_RECIPIENTS: u32 = 0x04;
    /// Take recipients out.
    pub const DELETE_RECIPIENTS: u32 = 0x08;
    /// Change fields of the header, and take them out.
    pub const CHANGE_HEADERS: u32 = 0x10;
    /// Have the message put aside.
    pub const QUARANTINE: u32 = 0x20;
    /// Change the sender.
    pub const CHANGE_SENDER: u32 = 0x40;
    /// Add recipients with parameters.
    pub const ADD_RECIPIENTS_WITH_PARAMETERS: u32 = 0x80;
    /// All of these. That a filter chooses the macros that it gets is not offered: it gets all there are.
    pub const ALL: u32 = 0xff;
}

/// What of the dialogue a filter does not want to hear, and where it does not answer: bits of the negotiation.
pub mod step {
    /// The connection is not told.
    pub const NO_CONNECT: u32 = 0x01;
    /// The greeting is not.
    pub const NO_HELO: u32 = 0x02;
    /// The sender is not.
    pub const NO_MAIL: u32 = 0x04;
    /// Recipients are not.
    pub const NO_RCPT: u32 = 0x08;
    /// The body is not.
    pub const NO_BODY: u32 = 0x10;
    /// The fields of the header are not.
    pub const NO_HEADERS: u32 = 0x20;
    /// The end of the header is not.
    pub const NO_END_OF_HEADERS: u32 = 0x40;
    /// Fields have no answer.
    pub const SILENT_HEADERS: u32 = 0x80;
    /// Unknown commands are not told.
    pub const NO_UNKNOWN: u32 = 0x100;
    /// DATA is not.
    pub const NO_DATA: u32 = 0x200;
    /// The filter may say that it has seen enough of the body.
    pub const SKIP: u32 = 0x400;
    /// The connection has no answer.
    pub const SILENT_CONNECT: u32 = 0x1000;
    /// The greeting has none.
    pub const SILENT_HELO: u32 = 0x2000;
    /// The sender has none.
    pub const SILENT_MAIL: u32 = 0x4000;
    /// Recipients have none.
    pub const SILENT_RCPT: u32 = 0x8000;
    /// DATA has none.
    pub const SILENT_DATA: u32 = 0x1_0000;
    /// Unknown commands have none.
    pub const SILENT_UNKNOWN: u32 = 0x2_0000;
    /// The end of the header has none.
    pub const SILENT_END_OF_HEADERS: u32 = 0x4_0000;
    /// Pieces of the body have none.
    pub const SILENT_BODY: u32 = 0x8_0000;
    /// Values of fields come and go with the blanks before them.
    pub const LEADING_BLANKS: u32 = 0x10_0000;
    /// All of these. That refused recipients are told too (0x800), and larger packets, are not offered.
    pub const ALL: u32 = 0x1f_f7ff;
}

/// What was agreed on with a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Agreed {
    /// The version of the protocol that it speaks.
    pub version: u32,
    /// What it may do: bits of [`action`].
    pub actions: u32,
    /// What it does not want: bits of [`step`].
    pub steps: u32,
}

impl Agreed {
    /// Whether it may do this.
    pub const fn may(self, action: u32) -> bool {
        self.actions & action != 0
    }

    /// Whether this was agreed on.
    pub const fn has(self, step: u32) -> bool {
        self.steps & step != 0
    }
}
