//! What an index of words can tell of a text that is looked for.

/// One word that stands in every text that has the one looked for. Words are folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clue {
    /// A word with this in it.
    Has(String),
    /// A word that begins so.
    Begins(String),
    /// A word that ends so.
    Ends(String),
    /// This word.
    Is(String),
}

/// All that can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clues {
    /// All of these hold for a text that has the one looked for; and the words of a row stand one directly behind the other.
    pub rows: Vec<Vec<Clue>>,
    /// And every text for which they hold has it: nobody must look.
    pub decide: bool,
}
