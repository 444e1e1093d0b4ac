//! `rollwright rpc methods`

use crate::{args::RpcMethods, failure::Failure, ui::Console};
use rollwright::methods::{self, Method};
use serde_json::json;

/// Prints the methods of the node at `--url`, or all of the stock node with
/// the settings in which it answers them.
pub(crate) async fn methods(console: &Console, args: &RpcMethods) -> Result<(), Failure> {
    if let Some(url) = &args.url {
        let names = methods::of(url)
            .await
            .map_err(|error| Failure::usage(error.to_string()).at("--url"))?;
        console.result(&names.join("\n"), &json!(names));
        return Ok(());
    }
    let stock = methods::stock()?;
    let text = if args.markdown {
        markdown(&stock)
    } else {
        let lines: Vec<_> = stock.iter().map(line).collect();
        lines.join("\n")
    };
    console.result(&text, &json!(stock));
    Ok(())
}

fn line(method: &Method) -> String {
    format!("{:<44} {}", method.name, method.availability)
}

/// The table of METHODS.md.
fn markdown(stock: &[Method]) -> String {
    let mut text = "# JSON-RPC methods\n\nMade by `rollwright rpc methods --markdown`; a test compares.\n\n| method | answered |\n|---|---|".to_owned();
    for method in stock {
        text += &format!("\n| `{}` | {} |", method.name, method.availability);
    }
    text
}
