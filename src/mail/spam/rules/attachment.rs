//! Files: what is dangerous, and what hides that it is.

use super::{Facts, Found, Rule, rule, that, when};
use crate::mail::spam::facts::{Content, File, ending};

/// Endings of programs and of what runs like one.
const PROGRAMS: &[&str] = &[
    "ade",
    "adp",
    "app",
    "appx",
    "bat",
    "chm",
    "cmd",
    "com",
    "cpl",
    "dll",
    "exe",
    "gadget",
    "hlp",
    "hta",
    "inf",
    "ins",
    "isp",
    "jar",
    "js",
    "jse",
    "lib",
    "lnk",
    "mde",
    "msc",
    "msi",
    "msix",
    "msp",
    "mst",
    "pif",
    "ps1",
    "ps1xml",
    "ps2",
    "psc1",
    "reg",
    "scf",
    "scr",
    "sct",
    "settingcontent-ms",
    "shb",
    "sys",
    "url",
    "vb",
    "vbe",
    "vbs",
    "vhd",
    "vhdx",
    "vxd",
    "wsc",
    "wsf",
    "wsh",
    "xll",
];
/// Endings that a reader opens without a thought.
const HARMLESS: &[&str] = &[
    "avi", "csv", "doc", "docx", "gif", "htm", "html", "jpeg", "jpg", "mp3", "mp4", "pdf", "png", "ppt", "pptx", "rtf", "txt", "xls",
    "xlsx", "zip",
];
/// Endings of images of disks, within which nothing warns.
const DISKS: &[&str] = &["img", "iso", "udf", "vhd", "vhdx", "dmg"];
/// Archives that hardly anybody makes any more.
const ODD_ARCHIVES: &[&str] = &[
    "ace", "alz", "arc", "arj", "cab", "lha", "lzh", "r00", "r01", "uue", "xxe", "z", "zipx",
];
/// Documents that say that they have macros.
const MACROS: &[&str] = &["docm", "dotm", "potm", "ppam", "ppsm", "pptm", "xlam", "xlsb", "xlsm", "xltm"];

pub(super) const RULES: &[Rule] = &[
    rule("ATTACH_PROGRAM", 6.0, "A file is a program, or runs like one.", |it| {
        any(it, |file| {
            let is_program = file.content == Content::Program || PROGRAMS.contains(&file.ending().as_str());
            that(is_program && !is_source(it, file), &file.name)
        })
    }),
    rule("ATTACH_ARCHIVED_PROGRAM", 6.0, "There is a program in an archive.", |it| {
        any(it, |file| {
            let inner = file.names().skip(1).find(|name| PROGRAMS.contains(&ending(name).as_str()));
            that(!is_package(file), inner?)
        })
    }),
    rule(
        "ATTACH_DOUBLE_EXTENSION",
        4.0,
        "A program is named to look like a document.",
        |it| any(it, |file| file.names().find_map(doubled)),
    ),
    rule(
        "ATTACH_PADDED_NAME",
        3.0,
        "The ending of a file stands far behind its name.",
        |it| {
            any(it, |file| {
                file.names()
                    .find_map(|name| that(name.contains("     ") && name.contains('.'), name))
            })
        },
    ),
    rule(
        "ATTACH_RTL_NAME",
        5.0,
        "The name of a file is turned about to hide its ending.",
        |it| {
            any(it, |file| {
                file.names()
                    .find_map(|name| that(name.contains(['\u{202e}', '\u{202d}', '\u{2067}']), name))
            })
        },
    ),
    rule(
        "ATTACH_ENCRYPTED_ARCHIVE",
        2.0,
        "An archive is encrypted, so that nobody looks into it.",
        |it| {
            any(it, |file| {
                that(matches!(&file.content, Content::Zip { is_encrypted: true, .. }), &file.name)
            })
        },
    ),
    rule(
        "ATTACH_PASSWORD_IN_TEXT",
        2.5,
        "An archive is encrypted, and the text has its password.",
        |it| {
            let is_encrypted = it
                .files()
                .iter()
                .any(|file| matches!(&file.content, Content::Zip { is_encrypted: true, .. }));
            let words = [
                "password:",
                "password is",
                "passwort:",
                "passwort ist",
                "mot de passe",
                "contraseña",
                "пароль",
            ];
            when(is_encrypted && words.iter().any(|word| it.text.folded.contains(word)))
        },
    ),
    rule("ATTACH_MACROS", 3.0, "A document has macros in it.", |it| {
        any(it, |file| {
            let has = file.names().any(|name| name.ends_with("vbaProject.bin"));
            let is_old = file.content == Content::Compound && finds(file, b"_VBA_PROJECT");
            that(has || is_old || MACROS.contains(&file.ending().as_str()), &file.name)
        })
    }),
    rule("ATTACH_MACROS_RUN", 2.0, "A document has macros that run by themselves.", |it| {
        any(it, |file| {
            let runs = [&b"AutoOpen"[..], b"Auto_Open", b"Document_Open", b"Workbook_Open"];
            that(
                file.content == Content::Compound && runs.iter().any(|word| finds(file, word)),
                &file.name,
            )
        })
    }),
    rule("ATTACH_HTML", 1.5, "A file is a page.", |it| {
        any(it, |file| that(is_page(file), &file.name))
    }),
    rule(
        "ATTACH_HTML_FORM",
        3.5,
        "A file is a page that sends what is filled in, or runs scripts.",
        |it| {
            any(it, |file| {
                let words = [&b"<form"[..], b"<script", b"<FORM", b"<SCRIPT", b"onload=", b"atob(", b"unescape("];
                that(is_page(file) && words.iter().any(|word| finds(file, word)), &file.name)
            })
        },
    ),
    rule("ATTACH_HTML_BLOB", 2.5, "A file is a page that makes another file.", |it| {
        any(it, |file| {
            let words = [&b"new Blob"[..], b"createObjectURL", b"msSaveBlob", b"msSaveOrOpenBlob"];
            that(is_page(file) && words.iter().any(|word| finds(file, word)), &file.name)
        })
    }),
    rule("ATTACH_SVG_SCRIPT", 4.0, "A picture runs scripts.", |it| {
        any(it, |file| {
            let is_drawing = file.ending() == "svg" || file.media_type == "image/svg+xml";
            let words = [&b"<script"[..], b"onload=", b"javascript:", b"<foreignObject"];
            that(is_drawing && words.iter().any(|word| finds(file, word)), &file.name)
        })
    }),
    rule("ATTACH_DISK_IMAGE", 3.5, "A file is the image of a disk.", |it| {
        any(it, |file| {
            file.names().find_map(|name| that(DISKS.contains(&ending(name).as_str()), name))
        })
    }),
    rule("ATTACH_ONENOTE", 3.0, "A file is a notebook, which may carry programs.", |it| {
        any(it, |file| that(matches!(file.ending().as_str(), "one" | "onepkg"), &file.name))
    }),
    rule(
        "ATTACH_ODD_ARCHIVE",
        2.0,
        "An archive is of a kind that hardly anybody makes.",
        |it| any(it, |file| that(ODD_ARCHIVES.contains(&file.ending().as_str()), &file.name)),
    ),
    rule("ATTACH_NESTED_ARCHIVE", 1.5, "There is an archive in an archive.", |it| {
        any(it, |file| {
            let inner = file
                .names()
                .skip(1)
                .find(|name| matches!(ending(name).as_str(), "zip" | "rar" | "7z" | "gz" | "ace" | "cab"));
            that(true, inner?)
        })
    }),
    rule(
        "ATTACH_TYPE_MISMATCH",
        3.0,
        "A file is a program, and called a picture, a text or a document.",
        |it| {
            any(it, |file| {
                let is_called = ["image/", "text/", "application/pdf", "application/msword", "audio/", "video/"];
                that(
                    file.content == Content::Program && is_called.iter().any(|it| file.media_type.starts_with(it)),
                    &file.name,
                )
            })
        },
    ),
    rule(
        "ATTACH_NAME_LIES",
        2.0,
        "What a file is does not fit the ending of its name.",
        |it| {
            any(it, |file| {
                let ending = file.ending();
                let lies = match file.content {
                    Content::Zip { .. } => matches!(ending.as_str(), "pdf" | "jpg" | "jpeg" | "png" | "gif" | "txt" | "html" | "htm"),
                    Content::Archive => matches!(ending.as_str(), "pdf" | "jpg" | "png" | "doc" | "docx" | "xls" | "xlsx" | "txt"),
                    Content::Pdf => matches!(ending.as_str(), "jpg" | "png" | "zip" | "docx" | "xlsx"),
                    Content::Program | Content::Compound | Content::Other => false,
                };
                that(lies, &file.name)
            })
        },
    ),
    rule("ATTACH_PDF_SCRIPT", 2.0, "A PDF runs scripts or programs.", |it| {
        any(it, |file| {
            let words = [&b"/JavaScript"[..], b"/Launch", b"/OpenAction << /S /JavaScript", b"/EmbeddedFile"];
            that(
                file.content == Content::Pdf && words.iter().any(|word| finds(file, word)),
                &file.name,
            )
        })
    }),
    rule("ATTACH_PDF_ENCRYPTED", 0.7, "A PDF is encrypted.", |it| {
        any(it, |file| {
            that(file.content == Content::Pdf && finds(file, b"/Encrypt"), &file.name)
        })
    }),
    rule(
        "ATTACH_EQUATION",
        4.0,
        "A document has an object that is known for breaking programs.",
        |it| {
            any(it, |file| {
                let words = [&b"Equation.3"[..], b"EQUATION NATIVE", b"objdata 0105000002000000", b"\\objupdate"];
                that(words.iter().any(|word| finds(file, word)), &file.name)
            })
        },
    ),
    rule("ATTACH_TEMPLATE", 1.0, "A rich text has objects in it.", |it| {
        any(it, |file| that(file.ending() == "rtf" && finds(file, b"\\objdata"), &file.name))
    }),
    rule("ATTACH_RANDOM_NAME", 0.4, "The name of a file was made by chance.", |it| {
        any(it, |file| {
            let stem = file.name.rsplit_once('.').map_or("", |(stem, _)| stem);
            that(super::name::is_random(stem) && !matches!(file.content, Content::Other), &file.name)
        })
    }),
];

/// The first file of which something is found.
fn any(facts: &Facts<'_>, asked: impl Fn(&File<'_>) -> Found) -> Found {
    facts.files().iter().find_map(asked)
}

fn finds(file: &File<'_>, word: &[u8]) -> bool {
    memchr::memmem::find(&file.octets, word).is_some()
}

fn is_page(file: &File<'_>) -> bool {
    matches!(file.ending().as_str(), "htm" | "html" | "shtml" | "xhtml" | "mht" | "mhtml") || file.media_type == "text/html"
}

/// Whether it is a source text among others: programmers send each other such over their lists.
fn is_source(facts: &Facts<'_>, file: &File<'_>) -> bool {
    facts.is_list()
        && file.content == Content::Other
        && file.media_type.starts_with("text/")
        && matches!(file.ending().as_str(), "js" | "vb" | "cmd" | "bat" | "inf")
}

/// Whether an archive is a document or a package, whose inner files nobody starts by hand.
fn is_package(file: &File<'_>) -> bool {
    let ending = file.ending();
    [
        "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "whl", "crate", "nupkg", "vsix", "xpi",
    ]
    .contains(&ending.as_str())
}

/// A name such as `invoice.pdf.exe`.
fn doubled(name: &str) -> Found {
    let (stem, ending) = name.trim_end_matches([' ', '.']).rsplit_once('.')?;
    let (_, inner) = stem.trim_end().rsplit_once('.')?;
    let is_double = PROGRAMS.contains(&ending.to_lowercase().as_str()) && HARMLESS.contains(&inner.trim().to_lowercase().as_str());
    that(is_double, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn double_endings_are_seen() {
        for name in ["invoice.pdf.exe", "Photo.JPG .scr", "a.b.doc.js"] {
            assert!(doubled(name).is_some(), "{name}");
        }
        for name in ["a.tar.gz", "jquery.min.js", "report.v2.pdf", "exe", "a.exe"] {
            assert!(doubled(name).is_none(), "{name}");
        }
    }
}
