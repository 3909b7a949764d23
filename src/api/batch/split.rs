//! Many JSON values that come in one body are told apart while it comes in: lines (NDJSON), or the elements of one array.

/// The largest value, in octets.
const LARGEST: usize = 262_144;

/// How the values come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One on each line.
    Lines,
    /// In one array.
    Array,
}

/// What is known of the octets so far.
pub(super) struct Splitter {
    form: Form,
    place: Place,
    depth: usize,
    in_string: bool,
    escaped: bool,
    value: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Within,
    After,
}

/// Why the body cannot be told apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadBody {
    #[error("a value is larger than {LARGEST} octets")]
    TooLarge,
    #[error("right would be an array of objects, or an object on each line as application/x-ndjson")]
    NoArray,
    #[error("the array does not end")]
    NoEnd,
}

impl Splitter {
    pub fn new(form: Form) -> Self {
        Self {
            form,
            place: match form {
                Form::Lines => Place::Within,
                Form::Array => Place::Before,
            },
            depth: 0,
            in_string: false,
            escaped: false,
            value: Vec::new(),
        }
    }

    /// The values that end within these octets.
    pub fn feed(&mut self, octets: &[u8]) -> Result<Vec<Vec<u8>>, BadBody> {
        let mut found = Vec::new();
        for octet in octets {
            match self.form {
                Form::Lines if *octet == b'\n' => found.extend(self.take()),
                Form::Lines => self.value.push(*octet),
                Form::Array => found.extend(self.within_array(*octet)?),
            }
            if self.value.len() > LARGEST {
                return Err(BadBody::TooLarge);
            }
        }
        Ok(found)
    }

    /// What is left at the end.
    pub fn finish(mut self) -> Result<Option<Vec<u8>>, BadBody> {
        match (self.form, self.place) {
            (Form::Lines, _) => Ok(self.take()),
            (Form::Array, Place::After) => Ok(None),
            (Form::Array, Place::Before) => Err(BadBody::NoArray),
            (Form::Array, Place::Within) => Err(BadBody::NoEnd),
        }
    }

    fn within_array(&mut self, octet: u8) -> Result<Option<Vec<u8>>, BadBody> {
        match self.place {
            Place::Before | Place::After if octet.is_ascii_whitespace() => return Ok(None),
            Place::Before if octet == b'[' => {
                self.place = Place::Within;
                return Ok(None);
            }
            Place::Before | Place::After => return Err(BadBody::NoArray),
            Place::Within => {}
        }
        let ends = !self.in_string && self.depth == 0 && matches!(octet, b',' | b']');
        if ends {
            if octet == b']' {
                self.place = Place::After;
            }
            return Ok(self.take());
        }
        match octet {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'{' | b'[' if !self.in_string => self.depth = self.depth.saturating_add(1),
            b'}' | b']' if !self.in_string => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.value.push(octet);
        Ok(None)
    }

    /// The value that ends here; none if there is nothing but space.
    fn take(&mut self) -> Option<Vec<u8>> {
        let value = std::mem::take(&mut self.value);
        (!value.trim_ascii().is_empty()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(form: Form, pieces: &[&str]) -> Result<Vec<String>, BadBody> {
        let mut splitter = Splitter::new(form);
        let mut found = Vec::new();
        for piece in pieces {
            found.extend(splitter.feed(piece.as_bytes())?);
        }
        found.extend(splitter.finish()?);
        Ok(found.iter().map(|value| String::from_utf8_lossy(value).trim().to_owned()).collect())
    }

    #[test]
    fn values_are_told_apart_however_they_come() {
        for pieces in [&["{\"a\":1}\n\n{\"b\":2}"][..], &["{\"a\"", ":1}\n", "{\"b\":2}\r\n"]] {
            assert_eq!(split(Form::Lines, pieces).unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
        }
        for pieces in [
            &[" [ {\"a\":[1,{}]} , {\"b\":\"],\\\"[\\\\\"} ] \n"][..],
            &["[{\"a\":[1,", "{}]},{\"b\":\"],\\", "\"[\\\\\"}", "]"],
        ] {
            assert_eq!(split(Form::Array, pieces).unwrap(), ["{\"a\":[1,{}]}", "{\"b\":\"],\\\"[\\\\\"}"]);
        }
        assert_eq!(split(Form::Array, &["[]"]).unwrap(), Vec::<String>::new());
        for wrong in ["", "{}", "[{}", "[] x"] {
            assert!(split(Form::Array, &[wrong]).is_err(), "{wrong}");
        }
        assert_eq!(split(Form::Lines, &[&"x".repeat(LARGEST + 1)]), Err(BadBody::TooLarge));
    }
}
