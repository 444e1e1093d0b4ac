use crate::{args::Explain, failure::Failure, ui::Console};
use serde_json::json;

/// The pages, one `## CODE: title` section each.
const PAGES: &str = include_str!("../explain.md");

/// Prints what a code means; without one, all codes with their titles.
pub(crate) fn run(console: &Console, args: &Explain) -> Result<(), Failure> {
    let Some(code) = &args.code else {
        let titles: Vec<String> = pages()
            .map(|(code, title, _)| format!("{code}  {title}"))
            .collect();
        let data: Vec<_> = pages()
            .map(|(code, title, _)| json!({ "code": code, "title": title }))
            .collect();
        console.result(&titles.join("\n"), &data);
        return Ok(());
    };
    let code = code.to_ascii_uppercase();
    let (code, title, text) = pages().find(|(known, ..)| *known == code).ok_or_else(|| {
        Failure::usage(format!("there is no code `{code}`"))
            .help("rollwright explain lists all codes")
    })?;
    console.result(
        &format!("{code}: {title}\n\n{text}"),
        &json!({ "code": code, "title": title, "text": text }),
    );
    Ok(())
}

/// Code, title and text of every page.
pub(crate) fn pages() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    PAGES.split("\n## ").skip(1).filter_map(|page| {
        let (head, text) = page.split_once('\n')?;
        let (code, title) = head.split_once(": ")?;
        Some((code.trim(), title.trim(), text.trim()))
    })
}
