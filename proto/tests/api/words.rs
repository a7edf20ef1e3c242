//! Comments as Markdown.

/// The paragraphs of a comment, each one line.
pub fn paragraphs(comment: &str) -> Vec<String> {
    let lines: Vec<&str> = comment.lines().map(str::trim).collect();
    let parts = lines.split(|line| line.is_empty());
    parts.filter(|part| !part.is_empty()).map(|part| plain(&part.join(" "))).collect()
}

/// For one cell of a table.
pub fn cell(comment: &str) -> String {
    paragraphs(comment).join("<br>").replace('|', "\\|")
}

/// What Markdown would take for markup is text; what stands in backticks stays as it is.
fn plain(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let escaped = parts.map(|(index, part)| {
        if index % 2 == 1 {
            return part.to_owned();
        }
        part.replace('<', "&lt;").replace('*', "\\*").replace('[', "\\[").replace(']', "\\]")
    });
    escaped.collect::<Vec<_>>().join("`")
}

/// What an RPC does, and what its comment says after `Fails:`.
pub fn failures(comment: &str) -> (String, String) {
    let (does, fails) = comment.split_once("Fails:").unwrap_or((comment, ""));
    (does.trim().to_owned(), fails.trim().to_owned())
}

#[test]
fn a_comment_becomes_text() {
    let comment = " One of [a-z],\n less than <all> in `x<y|z`.\n\n Second * part.\n";
    let expected = ["One of \\[a-z\\], less than &lt;all> in `x<y|z`.", "Second \\* part."];
    assert_eq!(paragraphs(comment), expected);
    assert!(cell(comment).contains("`x<y\\|z`.<br>Second"));
    let (does, fails) = failures(" Does.\n Fails: BADLY (sometimes).\n");
    assert_eq!((does.as_str(), fails.as_str()), ("Does.", "BADLY (sometimes)."));
}
