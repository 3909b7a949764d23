//! HTML of strangers, cleaned.
//!
//! The HTML is read as tokens and written anew: only known tags and attributes, every value quoted and escaped, every tag closed.
//! Nothing with a grammar of its own (scripts, styles, SVG, MathML, raw text) is let through, so a browser reads what was written
//! here in one way only. No tree is built: time and memory are linear in the input, where a tree of nested formatting can be
//! made to grow with the square.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};

/// How deep tags may be nested; what is deeper loses its tags, not its text.
const DEPTH: usize = 100;

/// Tags that may stay, sorted.
const TAGS: &[&str] = &[
    "a",
    "abbr",
    "address",
    "article",
    "aside",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "main",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
];

/// Tags that never have an end, sorted.
const VOID: &[&str] = &["br", "col", "hr", "img", "wbr"];

/// Tags that go with all that is in them, sorted.
const GONE: &[&str] = &[
    "applet", "audio", "canvas", "embed", "iframe", "math", "noembed", "noframes", "noscript", "object", "script", "select", "style",
    "svg", "template", "textarea", "title", "video", "xmp",
];

/// Attributes that may stay on any tag, sorted. Their values are shown or measured, never loaded or run.
const ATTRIBUTES: &[&str] = &[
    "align",
    "alt",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "color",
    "colspan",
    "dir",
    "face",
    "height",
    "lang",
    "rowspan",
    "size",
    "span",
    "start",
    "title",
    "type",
    "valign",
    "width",
];

/// The HTML with nothing in it that runs, frames, or sends.
pub(super) fn clean(html: &str) -> String {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut cleaner = Cleaner::default();
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        cleaner.take(token);
    }
    cleaner.finish()
}

#[derive(Default)]
struct Cleaner {
    out: String,
    /// The tags that are open in `out`.
    open: Vec<&'static str>,
    /// The tag that is left out with all that is in it, and how often it is open within itself.
    gone: Option<(&'static str, usize)>,
}

impl Cleaner {
    fn take(&mut self, token: Token) {
        match (token, &mut self.gone) {
            (Token::StartTag(tag), Some((name, depth))) if *tag.name == *name.as_bytes() && !tag.self_closing => {
                *depth = depth.saturating_add(1);
            }
            (Token::EndTag(tag), Some((name, depth))) if *tag.name == *name.as_bytes() => {
                *depth = depth.saturating_sub(1);
                if *depth == 0 {
                    self.gone = None;
                }
            }
            (_, Some(_)) => {}
            (Token::StartTag(tag), None) => self.begin(&tag),
            (Token::EndTag(tag), None) => self.end(&tag.name),
            (Token::String(text), None) => escape(&String::from_utf8_lossy(&text), &mut self.out),
            (Token::Comment(_) | Token::Doctype(_) | Token::Error(_), None) => {}
        }
    }

    fn begin(&mut self, tag: &StartTag<()>) {
        if let Some(name) = known(GONE, &tag.name) {
            if !tag.self_closing || !matches!(name, "svg" | "math") {
                self.gone = (name != "embed").then_some((name, 1));
            }
            return;
        }
        let Some(name) = known(TAGS, &tag.name) else { return };
        let void = VOID.contains(&name);
        if !void && self.open.len() >= DEPTH {
            return;
        }
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in &tag.attributes {
            self.attribute(name, key, &String::from_utf8_lossy(value));
        }
        if name == "a" {
            self.out.push_str(" target=\"_blank\" rel=\"noopener noreferrer nofollow\"");
        }
        self.out.push('>');
        if !void {
            self.open.push(name);
        }
    }

    fn attribute(&mut self, tag: &str, key: &[u8], value: &str) {
        let key = match (known(ATTRIBUTES, key), key) {
            (Some(key), _) => key,
            (None, b"href") if tag == "a" && is_link(value) => "href",
            (None, b"src") if tag == "img" && is_picture(value) => "src",
            (None, _) => return,
        };
        self.out.push(' ');
        self.out.push_str(key);
        self.out.push_str("=\"");
        escape(value, &mut self.out);
        self.out.push('"');
    }

    /// Closes the tag and what is open inside of it; an end without a begin is left out.
    fn end(&mut self, name: &[u8]) {
        let Some(at) = self.open.iter().rposition(|open| open.as_bytes() == name) else {
            return;
        };
        for name in self.open.drain(at..).rev() {
            close(name, &mut self.out);
        }
    }

    fn finish(mut self) -> String {
        for name in self.open.into_iter().rev() {
            close(name, &mut self.out);
        }
        self.out
    }
}

/// The name as the list has it.
fn known(list: &'static [&'static str], name: &[u8]) -> Option<&'static str> {
    let at = list.binary_search_by(|known| known.as_bytes().cmp(name)).ok()?;
    list.get(at).copied()
}

fn close(name: &str, out: &mut String) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            '\n' | '\r' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

fn is_link(url: &str) -> bool {
    matches!(scheme(url).as_deref(), Some("http" | "https" | "mailto" | "tel"))
}

fn is_picture(url: &str) -> bool {
    match scheme(url).as_deref() {
        Some("http" | "https" | "cid") => true,
        Some("data") => {
            let start: String = url.trim_start().chars().take(16).collect::<String>().to_ascii_lowercase();
            ["data:image/png;", "data:image/jpeg;", "data:image/gif;", "data:image/webp;"]
                .iter()
                .any(|kind| start.starts_with(kind))
        }
        _ => false,
    }
}

/// The scheme of an address, as a browser reads it: it leaves out blanks before it, and line ends and tabs in it.
fn scheme(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    let scheme: String = scheme
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .skip_while(|&c| c <= ' ')
        .take(16)
        .collect();
    scheme.bytes().all(|b| b.is_ascii_alphabetic()).then(|| scheme.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        for list in [TAGS, VOID, GONE, ATTRIBUTES] {
            assert!(list.is_sorted());
        }
        assert!(VOID.iter().all(|name| TAGS.contains(name)));
        assert!(GONE.iter().all(|name| !TAGS.contains(name)));
    }

    #[test]
    fn only_the_harmless_stays() {
        let link = r#"target="_blank" rel="noopener noreferrer nofollow""#;
        for (html, expected) in [
            ("<p>Hello <b>you</b> &amp; me", "<p>Hello <b>you</b> &amp; me</p>".to_owned()),
            (
                "<!doctype html><html><head><title>x</title></head><body>y</body></html>",
                "y".to_owned(),
            ),
            (
                "<head><title>x</title><style>y</style><meta charset=x><p>its end may be absent",
                "<p>its end may be absent</p>".to_owned(),
            ),
            ("a<script>alert('<b>')</script>b", "ab".to_owned()),
            ("a<SCRIPT SRC=//x.test/x.js>b", "a".to_owned()),
            ("<img src=x onerror=alert(1)>", "<img>".to_owned()),
            (
                "<img src='https://x.test/p.png' alt='a\"b'>",
                r#"<img alt="a&quot;b" src="https://x.test/p.png">"#.to_owned(),
            ),
            (
                "<img src=cid:p@x><img src=data:text/html;x>",
                r#"<img src="cid:p@x"><img>"#.to_owned(),
            ),
            (
                "<a href=https://x.test/?a&b>x</a>",
                format!(r#"<a href="https://x.test/?a&amp;b" {link}>x</a>"#),
            ),
            ("<a href=' java\tscript:x()'>x</a>", format!("<a {link}>x</a>")),
            ("<a href='&#106;avascript:x()'>x</a>", format!("<a {link}>x</a>")),
            ("<a href='//x.test'>x</a>", format!("<a {link}>x</a>")),
            ("<svg><style><img src=x onerror=x()></style></svg>z", "z".to_owned()),
            ("<svg><svg></svg><b>x</b></svg>z", "z".to_owned()),
            (
                "<math><mi><style><!--</style><img title='--&gt;&lt;img src=1 onerror=x()&gt;'>",
                String::new(),
            ),
            (
                "<noscript><p title='</noscript><img src=x onerror=x()>'>",
                "<img>&#39;&gt;".to_owned(),
            ),
            ("<textarea><img></textarea>x", "x".to_owned()),
            ("<form action=x><input name=y>ok</form>", "ok".to_owned()),
            (
                "<iframe src=x></iframe>x<base href=x><link rel=x><meta http-equiv=refresh>",
                "x".to_owned(),
            ),
            ("<div style='position:fixed' class=x id=y>z</div>", "<div>z</div>".to_owned()),
            ("</p></b>x<i><u>y</i>z", "x<i><u>y</u></i>z".to_owned()),
            ("<!--<b>-->x<![CDATA[y]]>", "x".to_owned()),
            ("a\0b<b\0>c", "abc".to_owned()),
        ] {
            assert_eq!(clean(html), expected, "{html}");
        }
    }

    #[test]
    fn time_and_memory_stay_linear() {
        for piece in [
            "<b>",
            "<p><font size=1>",
            "<svg>",
            "<a href=x",
            "<!--",
            "</i>",
            "<table><td>",
            "&#x26;",
        ] {
            let html = piece.repeat(20_000);
            assert!(clean(&html).len() <= html.len() * 6 + 4096, "{piece}");
        }
    }
}
