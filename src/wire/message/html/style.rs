//! How text looks by the attribute `style`: whether it can be seen.

/// Colours nearer to each other than this cannot be told apart.
const NEAR: u8 = 24;
/// Letters smaller than so many pixels cannot be read.
const SMALL: f32 = 4.0;

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    pub hidden: bool,
    pub tiny: bool,
    pub colour: Colour,
    pub ground: Colour,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            hidden: false,
            tiny: false,
            colour: [0; 3],
            ground: [255; 3],
        }
    }
}

impl Look {
    /// Whether text cannot be told from its ground.
    pub(super) fn is_faint(&self) -> bool {
        self.colour.iter().zip(self.ground).all(|(one, other)| one.abs_diff(other) < NEAR)
    }

    /// Takes in the declarations of a `style`.
    pub(super) fn apply(&mut self, style: &str) {
        for declaration in style.split(';') {
            let Some((name, value)) = declaration.split_once(':') else {
                continue;
            };
            let value = value.trim().to_ascii_lowercase();
            let value = value.split('!').next().unwrap_or_default().trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "display" => self.hidden |= value == "none",
                "visibility" => self.hidden |= value == "hidden" || value == "collapse",
                "mso-hide" => self.hidden |= value == "all",
                "opacity" => self.hidden |= value.parse::<f32>().is_ok_and(|it| it < 0.05),
                "font-size" => self.size(value),
                "color" => self.colour = colour(value).unwrap_or(self.colour),
                "background-color" => self.ground = colour(value).unwrap_or(self.ground),
                "background" => self.ground = value.split_whitespace().find_map(colour).unwrap_or(self.ground),
                _ => {}
            }
        }
    }

    fn size(&mut self, value: &str) {
        let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
        let Ok(number) = digits.trim().parse::<f32>() else { return };
        let unit = value.get(digits.len()..).unwrap_or_default();
        let pixels = match unit {
            "em" | "rem" => number * 16.0,
            "%" => number * 0.16,
            "pt" => number * 1.33,
            _ => number,
        };
        self.hidden |= pixels <= 0.0;
        self.tiny = pixels > 0.0 && pixels < SMALL;
    }
}

/// `#rgb`, `#rrggbb`, `rgb(r, g, b)`, or one of a few names.
pub(super) fn colour(text: &str) -> Option<Colour> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(digits) = text.strip_prefix('#') {
        let digits: Vec<u8> = digits.chars().map_while(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
        return match *digits.as_slice() {
            [r, g, b] => Some([r * 17, g * 17, b * 17]),
            [r, r2, g, g2, b, b2] => Some([r * 16 + r2, g * 16 + g2, b * 16 + b2]),
            _ => None,
        };
    }
    if let Some(list) = text.strip_prefix("rgba(").or_else(|| text.strip_prefix("rgb(")) {
        let mut numbers = list.split([',', ')', ' ']).filter_map(|it| it.trim().parse().ok());
        return Some([numbers.next()?, numbers.next()?, numbers.next()?]);
    }
    Some(match text.as_str() {
        "white" => [255; 3],
        "black" => [0; 3],
        "snow" | "ivory" | "whitesmoke" => [250; 3],
        "silver" => [192; 3],
        "gray" | "grey" => [128; 3],
        "red" => [255, 0, 0],
        "green" => [0, 128, 0],
        "blue" => [0, 0, 255],
        "yellow" => [255, 255, 0],
        "navy" => [0, 0, 128],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read() {
        for (text, found) in [
            ("#FFF", Some([255, 255, 255])),
            (" #0a0B0c ", Some([10, 11, 12])),
            ("rgb(1, 2,3)", Some([1, 2, 3])),
            ("rgba(1 2 3 / 0.5)", Some([1, 2, 3])),
            ("White", Some([255; 3])),
            ("#ff", None),
            ("#fffffff", None),
            ("url(x)", None),
            ("", None),
        ] {
            assert_eq!(colour(text), found, "{text}");
        }
    }

    #[test]
    fn sizes_are_read() {
        for (value, hidden, tiny) in [
            ("0", true, false),
            ("0px", true, false),
            ("1px", false, true),
            ("0.1em", false, true),
            ("2%", false, true),
            ("12pt", false, false),
            ("small", false, false),
            ("", false, false),
        ] {
            let mut look = Look::default();
            look.apply(&format!("font-size: {value}"));
            assert_eq!((look.hidden, look.tiny), (hidden, tiny), "{value}");
        }
    }
}
