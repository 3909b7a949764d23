//! What the HTML does behind its reader's back.

use super::{Facts, Rule, rule, that, when};
use crate::wire::message::html::Page;

pub(super) const RULES: &[Rule] = &[
    rule("HTML_HIDDEN_TEXT", 1.5, "Much of the text cannot be seen.", |it| {
        let page = page(it)?;
        that(page.hidden > 300 && page.hidden * 2 > seen(page), page.hidden.to_string())
    }),
    rule("HTML_MOSTLY_HIDDEN", 2.0, "More of the text is hidden than seen.", |it| {
        let page = page(it)?;
        when(page.hidden > 500 && page.hidden > seen(page))
    }),
    rule("HTML_TINY_TEXT", 1.5, "Some of the text is too small to be read.", |it| {
        let page = page(it)?;
        that(page.tiny > 40, page.tiny.to_string())
    }),
    rule("HTML_FAINT_TEXT", 1.5, "Some of the text has the colour of its ground.", |it| {
        let page = page(it)?;
        that(page.faint > 100 && !it.is_author_proved(), page.faint.to_string())
    }),
    rule(
        "HTML_ONE_PICTURE",
        2.0,
        "It is one picture that is a link, and next to no text.",
        |it| {
            let page = page(it)?;
            let is_linked = page.links.iter().any(|link| link.has_picture);
            when(is_linked && (1..=2).contains(&page.pictures.len()) && it.text.words < 20)
        },
    ),
    rule("HTML_PICTURES_NO_TEXT", 1.0, "It is pictures, and next to no text.", |it| {
        when(page(it)?.pictures.len() > 2 && it.text.words < 10)
    }),
    rule("HTML_FORM", 1.2, "It has a form in it.", |it| {
        let form = page(it)?.forms.first()?;
        that(true, &form.action)
    }),
    rule("HTML_ASKS_PASSWORD", 5.0, "It asks for a password.", |it| {
        when(page(it)?.forms.iter().any(|form| form.asks_password))
    }),
    rule("HTML_SCRIPT", 2.0, "It has scripts in it.", |it| when(page(it)?.scripts > 0)),
    rule("HTML_HANDLER", 1.5, "Its tags run scripts.", |it| when(page(it)?.handlers > 0)),
    rule("HTML_FRAME", 0.8, "It has another page within it.", |it| when(page(it)?.frames > 0)),
    rule("HTML_OBJECT", 1.5, "It has foreign objects in it.", |it| {
        when(page(it)?.objects > 0)
    }),
    rule("HTML_REFRESH", 3.0, "It leads its reader elsewhere by itself.", |it| {
        that(true, page(it)?.refresh.clone()?)
    }),
    rule("HTML_BASE", 0.7, "Its links count from another place than they say.", |it| {
        that(true, page(it)?.base.clone()?)
    }),
    rule("HTML_REMOTE_STYLE", 0.2, "How it looks is fetched from elsewhere.", |it| {
        when(page(it)?.remote_styles > 1)
    }),
    rule("HTML_TORN_WORDS", 2.5, "Its words are torn apart by comments.", |it| {
        let torn = page(it)?.broken_words;
        that(torn >= 3, torn.to_string())
    }),
    rule("HTML_SHORT_LINK_IMG", 0.7, "It is a link and a picture, and a few words.", |it| {
        let page = page(it)?;
        when(page.links.len() == 1 && page.pictures.len() == 1 && (1..12).contains(&it.text.words))
    }),
    rule("HTML_IS_NONE", 0.5, "What is called HTML has no tags in it.", |it| {
        when(page(it)?.tags == 0)
    }),
    rule(
        "HTML_LINKS_ELSEWHERE",
        0.2,
        "All of its links and pictures are of one foreign place.",
        |it| {
            let author = it.author_organisation();
            let mut places: Vec<&str> = it
                .links
                .iter()
                .filter(|link| link.is_web())
                .map(|link| link.organisation())
                .collect();
            places.dedup();
            let [place] = places.as_slice() else { return None };
            that(!author.is_empty() && *place != author && !it.is_author_proved(), *place)
        },
    ),
];

fn page<'f>(facts: &'f Facts<'_>) -> Option<&'f Page> {
    facts.page.as_ref()
}

/// About how many characters are seen.
fn seen(page: &Page) -> usize {
    page.text.len()
}
