//! Pages that need nothing else: no script, no font, no picture from elsewhere.
//!
//! Invariant: whatever comes from history goes through [`text`], which leaves nothing that a browser takes for markup
//! and nothing that does not show as itself.

use sledger_wire::escape;

const STYLE: &str = include_str!("html/style.css");

/// A page with this title; `body` is markup.
pub(crate) fn page(title: &str, body: &str) -> String {
    let title = text(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

/// A text of whatever origin, as a browser may have it.
pub(crate) fn text(from: &str) -> String {
    let mut out = String::with_capacity(from.len());
    for letter in escape(from).chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

/// Lines of our own making, some of them with names in them, as they stand.
pub(crate) fn preformatted(lines: &str) -> String {
    lines.split('\n').map(text).collect::<Vec<_>>().join("\n")
}

/// A table under a heading; nothing where it has no rows.
pub(crate) fn section(title: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| -> String {
        let cells: Vec<String> = cells.map(|cell| format!("<{tag}>{}</{tag}>", text(cell))).collect();
        format!("<tr>{}</tr>\n", cells.concat())
    };
    let mut out = format!("<h2>{}</h2>\n<table>\n", text(title));
    if !head.is_empty() {
        out.push_str(&cells("th", &mut head.iter().copied()));
    }
    for row in rows {
        out.push_str(&cells("td", &mut row.iter().map(String::as_str)));
    }
    out.push_str("</table>\n");
    out
}

/// A list of sentences under a heading; nothing where there are none.
pub(crate) fn list(title: &str, sentences: &[String]) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    let items: Vec<String> = sentences.iter().map(|one| format!("<li>{}</li>\n", text(one))).collect();
    format!("<h2>{}</h2>\n<ul>\n{}</ul>\n", text(title), items.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_write_is_no_markup_and_shows_as_itself() {
        assert_eq!(text("<script>alert('x')</script>"), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
        assert_eq!(text("\" onload=\"x&y"), "&quot; onload=&quot;x&amp;y");
        assert_eq!(text("a\u{202e}b\u{7}\n"), "a\\u{202e}b\\u{7}\\n");
    }
}
