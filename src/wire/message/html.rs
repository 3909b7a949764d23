//! HTML as a reader sees it, and what it does behind their back.
//!
//! Read as tokens, without a tree: time and memory are linear in the input, whatever the nesting. Style sheets are not applied, only the
//! attributes `style`, `color`, `bgcolor` and `hidden`: those who hide text in a mail must do it where all mail clients see it.

mod style;

use std::convert::Infallible;

use html5gum::emitters::callback::{Callback, CallbackEmitter, CallbackEvent};
use html5gum::{Emitter, ForwardingEmitter, Span, Tokenizer};

use style::Look;

/// Where reading stops, or what is met is only counted.
pub mod limits {
    /// How many octets of a page are read.
    pub const PAGE: usize = 524_288;
    /// How many links, pictures or forms are kept, each.
    pub const LIST: usize = 500;
    /// How many octets of the text of a link are kept.
    pub const ANCHOR: usize = 500;
    /// How many attributes of a tag are looked at.
    pub const ATTRIBUTES: usize = 100;
    /// How many tags may be open; deeper ones have the look of the last one counted.
    pub const DEPTH: usize = 200;
}

/// Tags that have no end.
fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"area"
            | b"base"
            | b"br"
            | b"col"
            | b"embed"
            | b"hr"
            | b"img"
            | b"input"
            | b"link"
            | b"meta"
            | b"param"
            | b"source"
            | b"track"
            | b"wbr"
    )
}

/// Tags at which a new line begins.
fn is_block(name: &[u8]) -> bool {
    matches!(
        name,
        b"address"
            | b"article"
            | b"blockquote"
            | b"br"
            | b"center"
            | b"div"
            | b"dd"
            | b"dt"
            | b"footer"
            | b"h1"
            | b"h2"
            | b"h3"
            | b"h4"
            | b"h5"
            | b"h6"
            | b"header"
            | b"hr"
            | b"li"
            | b"ol"
            | b"p"
            | b"pre"
            | b"section"
            | b"table"
            | b"td"
            | b"th"
            | b"tr"
            | b"ul"
    )
}

/// Tags whose text nobody sees.
fn is_unseen(name: &[u8]) -> bool {
    matches!(
        name,
        b"script" | b"style" | b"title" | b"head" | b"template" | b"noscript" | b"object" | b"svg"
    )
}

/// A page that was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// What is seen: blanks are one blank, blocks are lines.
    pub text: String,
    /// Characters that are there and not seen.
    pub hidden: usize,
    /// Characters that are too small to be read.
    pub tiny: usize,
    /// Characters in the colour of their ground.
    pub faint: usize,
    /// Links, in their order.
    pub links: Vec<Anchor>,
    /// Pictures, in their order.
    pub pictures: Vec<Picture>,
    /// Forms, in their order.
    pub forms: Vec<Form>,
    /// `href` of BASE.
    pub base: Option<String>,
    /// Where META leads the reader by itself.
    pub refresh: Option<String>,
    /// SCRIPT elements.
    pub scripts: usize,
    /// IFRAME and FRAME elements.
    pub frames: usize,
    /// OBJECT, EMBED and APPLET elements.
    pub objects: usize,
    /// Attributes such as `onload`.
    pub handlers: usize,
    /// Style sheets from elsewhere.
    pub remote_styles: usize,
    /// Comments, and tags of no meaning, in the middle of words.
    pub broken_words: usize,
    /// Tags of any kind.
    pub tags: usize,
    /// Whether there was more than is read.
    pub is_cut: bool,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Anchor {
    /// Where it leads, as written.
    pub href: String,
    /// What is seen of it.
    pub text: String,
    /// Whether a picture is in it.
    pub has_picture: bool,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// Where it is, as written.
    pub src: String,
    /// Its width in pixels, where that is said.
    pub width: Option<u32>,
    /// Its height in pixels, where that is said.
    pub height: Option<u32>,
}

/// A form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    /// Where it sends what is filled in, as written.
    pub action: String,
    /// Whether it asks for a password.
    pub asks_password: bool,
}

impl Page {
    /// Reads a page. Never fails.
    pub fn read(html: &str) -> Self {
        let within = html.get(..html.floor_char_boundary(limits::PAGE)).unwrap_or(html);
        let mut reader = Reader::default();
        let told = |event: CallbackEvent<'_>, _: Span<()>| {
            reader.take(event);
            None
        };
        let mut emitter = CallbackEmitter::new(told);
        emitter.naively_switch_states(true);
        let Ok(()) = Tokenizer::new_with_emitter(within, Reading(emitter)).finish();
        reader.page.is_cut = within.len() < html.len();
        reader.page
    }
}

/// A tag that is open.
struct Open {
    name: Vec<u8>,
    look: Look,
}

/// The attributes of a tag and their values, as they stand there. Of two of the same name the first one counts.
#[derive(Default)]
struct Attributes {
    list: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Attributes {
    fn add(&mut self, name: &[u8]) {
        if self.list.len() < limits::ATTRIBUTES {
            self.list.push((name.to_vec(), Vec::new()));
        }
    }

    /// The value of the last one that was added. Where no more are kept, it may be another's.
    fn set(&mut self, value: &[u8]) {
        let is_last = self.list.len() < limits::ATTRIBUTES;
        if let Some((_, last)) = self.list.last_mut().filter(|_| is_last) {
            last.extend_from_slice(value);
        }
    }

    fn get(&self, wanted: &str) -> Option<String> {
        let (_, value) = self.list.iter().find(|(name, _)| name == wanted.as_bytes())?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

/// What the tokenizer tells the reader, without what is wrong by the grammar: to find that out costs as much as all the rest.
struct Reading<F: Callback<Infallible, ()>>(CallbackEmitter<F, Infallible>);

impl<F: Callback<Infallible, ()>> ForwardingEmitter for Reading<F> {
    type Token = Infallible;

    fn inner(&mut self) -> &mut impl Emitter<Token = Infallible> {
        &mut self.0
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }
}

#[derive(Default)]
struct Reader {
    page: Page,
    open: Vec<Open>,
    /// The tag that begins.
    tag: Vec<u8>,
    attributes: Attributes,
    /// The link that is open, in `page.links`.
    anchor: Option<usize>,
    /// The last octet seen was of a word, and then came something that breaks none.
    torn: bool,
}

impl Reader {
    fn take(&mut self, event: CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.attributes.list.clear();
                self.tag.clear();
                self.tag.extend_from_slice(name);
            }
            CallbackEvent::AttributeName { name } => self.attributes.add(name),
            CallbackEvent::AttributeValue { value } => self.attributes.set(value),
            CallbackEvent::CloseStartTag { .. } => {
                let (name, attributes) = (std::mem::take(&mut self.tag), std::mem::take(&mut self.attributes));
                self.begin(&name, &attributes);
                (self.tag, self.attributes) = (name, attributes);
            }
            CallbackEvent::EndTag { name } => self.end(name),
            CallbackEvent::String { value } => self.text(&String::from_utf8_lossy(value)),
            CallbackEvent::Comment { .. } => self.torn = self.page.text.ends_with(char::is_alphanumeric),
            CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
        }
    }

    fn look(&self) -> Look {
        self.open.last().map(|open| open.look).unwrap_or_default()
    }

    fn begin(&mut self, name: &[u8], attributes: &Attributes) {
        self.page.tags = self.page.tags.saturating_add(1);
        if is_block(name) {
            self.new_line();
        }
        let value = |wanted: &str| attributes.get(wanted);
        self.page.handlers += attributes.list.iter().filter(|(name, _)| is_handler(name)).count();
        self.note(name, &value);
        if is_void(name) || self.open.len() >= limits::DEPTH {
            return;
        }
        let mut look = self.look();
        look.hidden |= is_unseen(name) || value("hidden").is_some();
        if let Some(colour) = value("bgcolor").and_then(|it| style::colour(&it)) {
            look.ground = colour;
        }
        if let Some(colour) = value("color").and_then(|it| style::colour(&it)) {
            look.colour = colour;
        }
        if let Some(style) = value("style") {
            look.apply(&style);
        }
        let name = name.to_vec();
        self.open.push(Open { name, look });
    }

    /// What a tag is to the page besides its look.
    fn note(&mut self, name: &[u8], value: &impl Fn(&str) -> Option<String>) {
        let page = &mut self.page;
        match name {
            b"a" | b"area" => self.anchor(value("href")),
            b"img" => self.picture(value),
            b"form" if page.forms.len() < limits::LIST => page.forms.push(Form {
                action: value("action").unwrap_or_default(),
                asks_password: false,
            }),
            b"input" if value("type").is_some_and(|kind| kind.trim().eq_ignore_ascii_case("password")) => {
                if page.forms.is_empty() {
                    page.forms.push(Form::default());
                }
                if let Some(form) = page.forms.last_mut() {
                    form.asks_password = true;
                }
            }
            b"script" => page.scripts += 1,
            b"iframe" | b"frame" => page.frames += 1,
            b"object" | b"embed" | b"applet" => page.objects += 1,
            b"base" => page.base = page.base.take().or_else(|| value("href")),
            b"link" if value("rel").is_some_and(|rel| rel.to_ascii_lowercase().contains("stylesheet")) => page.remote_styles += 1,
            b"meta" if value("http-equiv").is_some_and(|it| it.trim().eq_ignore_ascii_case("refresh")) => {
                page.refresh = value("content").and_then(|content| Some(content.split_once('=')?.1.trim().to_owned()));
            }
            _ => {}
        }
    }

    fn anchor(&mut self, href: Option<String>) {
        let Some(href) = href.filter(|_| self.page.links.len() < limits::LIST) else {
            return;
        };
        self.anchor = Some(self.page.links.len());
        self.page.links.push(Anchor { href, ..Anchor::default() });
    }

    fn picture(&mut self, value: &impl Fn(&str) -> Option<String>) {
        if let Some(link) = self.anchor.and_then(|at| self.page.links.get_mut(at)) {
            link.has_picture = true;
        }
        if self.page.pictures.len() < limits::LIST {
            let pixels = |name| value(name)?.trim().trim_end_matches("px").parse().ok();
            self.page.pictures.push(Picture {
                src: value("src").unwrap_or_default(),
                width: pixels("width"),
                height: pixels("height"),
            });
        }
    }

    fn end(&mut self, name: &[u8]) {
        if name == b"a" {
            self.anchor = None;
        }
        if is_block(name) {
            self.new_line();
        }
        if let Some(at) = self.open.iter().rposition(|open| open.name == name) {
            self.open.truncate(at);
        }
    }

    fn new_line(&mut self) {
        self.torn = false;
        let end = self.page.text.trim_end_matches(' ').len();
        self.page.text.truncate(end);
        if !self.page.text.is_empty() && !self.page.text.ends_with('\n') {
            self.page.text.push('\n');
        }
    }

    fn text(&mut self, text: &str) {
        let look = self.look();
        let seen = text.chars().filter(|c| !c.is_whitespace());
        if look.hidden {
            let is_code = self
                .open
                .iter()
                .any(|open| matches!(open.name.as_slice(), b"script" | b"style" | b"head" | b"title"));
            if !is_code {
                self.page.hidden = self.page.hidden.saturating_add(seen.count());
            }
            return;
        }
        if look.tiny {
            self.page.tiny = self.page.tiny.saturating_add(seen.count());
        } else if look.is_faint() {
            self.page.faint = self.page.faint.saturating_add(seen.count());
        }
        if std::mem::take(&mut self.torn) && text.starts_with(char::is_alphanumeric) {
            self.page.broken_words = self.page.broken_words.saturating_add(1);
        }
        add(&mut self.page.text, text);
        if let Some(link) = self.anchor.and_then(|at| self.page.links.get_mut(at))
            && link.text.len() < limits::ANCHOR
        {
            add(&mut link.text, text);
        }
    }
}

/// Adds a text in which blanks are one blank.
fn add(out: &mut String, text: &str) {
    let blank = |out: &mut String| {
        if !out.is_empty() && !out.ends_with([' ', '\n']) {
            out.push(' ');
        }
    };
    if text.starts_with(char::is_whitespace) {
        blank(out);
    }
    if is_set(text) {
        out.push_str(text.trim_matches(' '));
    } else {
        for (at, word) in text.split_whitespace().enumerate() {
            if at > 0 {
                blank(out);
            }
            out.push_str(word);
        }
    }
    if text.ends_with(char::is_whitespace) {
        blank(out);
    }
}

/// Whether it is of ASCII, and no blanks stand in it but single ones: then it can be taken as a whole.
fn is_set(text: &str) -> bool {
    let is_plain = text.bytes().all(|octet| matches!(octet, b' '..=0x7f));
    is_plain && memchr::memmem::find(text.as_bytes(), b"  ").is_none()
}

fn is_handler(key: &[u8]) -> bool {
    key.len() > 4 && key.starts_with(b"on") && key.iter().all(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_is_read() {
        let page = Page::read(
            "<html><head><title>t</title><style>p{}</style></head><body><p>One  <b>two</b>\n</p><div>three<br>four</div>\
             <script>x</script>A&amp;B <!--c-->",
        );
        assert_eq!(page.text, "One two\nthree\nfour\nA&B ");
        assert_eq!((page.hidden, page.scripts, page.broken_words), (0, 1, 0));
        assert_eq!(Page::read(" a\u{a0}b\r\n\r\nc <i>d</i>e\u{3000} <b> f").text, "a b c de f");
        assert_eq!(Page::read("Via<!-- x -->gra and<!-- --> more").broken_words, 1);
    }

    #[test]
    fn what_is_hidden_is_counted() {
        for (html, hidden, tiny, faint) in [
            ("<p style='display:none'>abc <b>d</b></p>e", 4, 0, 0),
            ("<span style='DISPLAY : None !important'>ab</span>", 2, 0, 0),
            ("<div hidden>ab</div>c", 2, 0, 0),
            ("<div style='font-size:0'>ab</div>", 2, 0, 0),
            ("<div style='font-size:1px;color:#000'>ab<p>c</p></div>d", 0, 3, 0),
            ("<font color=white>ab</font>c", 0, 0, 2),
            (
                "<td bgcolor='#000000'><font color='#fff'>ab</font><font color='#010101'>c</font></td>",
                0,
                0,
                1,
            ),
            (
                "<div style='background-color:rgb(10, 20, 30);color:white'>ab</div><i style='visibility:hidden'>x</i>",
                1,
                0,
                0,
            ),
        ] {
            let page = Page::read(html);
            assert_eq!((page.hidden, page.tiny, page.faint), (hidden, tiny, faint), "{html}");
        }
    }

    #[test]
    fn links_pictures_and_forms_are_listed() {
        let page = Page::read(
            "<base href=http://b.test/><a href='https://a.test/?x&amp;y'>Click <b>here</b></a><a href=x><img src=p.png width=600 height=10px></a>\
             <form action=/f><input type=Password></form><iframe></iframe><meta http-equiv=Refresh content='0; url=http://r.test/'>\
             <body onload=x()><link rel=stylesheet href=y><embed>",
        );
        let link = |href: &str, text: &str, has_picture| Anchor {
            href: href.into(),
            text: text.into(),
            has_picture,
        };
        assert_eq!(page.links, [link("https://a.test/?x&y", "Click here", false), link("x", "", true)]);
        let picture = Picture {
            src: "p.png".into(),
            width: Some(600),
            height: Some(10),
        };
        assert_eq!(page.pictures, [picture]);
        let form = Form {
            action: "/f".into(),
            asks_password: true,
        };
        assert_eq!(page.forms, [form]);
        assert_eq!(page.base.as_deref(), Some("http://b.test/"));
        assert_eq!(page.refresh.as_deref(), Some("http://r.test/"));
        let twice = Page::read("<a href=x title href=y></a href=z><a title=x href></a>");
        assert_eq!(
            twice.links,
            [link("x", "", false), link("", "", false)],
            "the first of a name counts"
        );
        assert_eq!(
            (page.frames, page.handlers, page.remote_styles, page.objects, page.tags),
            (1, 1, 1, 1, 12)
        );
    }

    #[test]
    fn time_and_memory_stay_linear() {
        for piece in [
            "<b>",
            "<a href=x>y",
            "<font color=red>",
            "</i>",
            "<!--",
            "&#x26;",
            "<p style='color:red'>",
            "<p x=y ",
            "x=y ",
        ] {
            let page = Page::read(&piece.repeat(50_000));
            assert!(page.text.len() <= limits::PAGE && page.links.len() <= limits::LIST, "{piece}");
        }
    }
}
