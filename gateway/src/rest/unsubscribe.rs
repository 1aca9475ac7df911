//! The link in a digest that ends digests.

use schemas::commands::{CheckUnsubscribe, Unsubscribe};

use crate::html;
use crate::http::{Call, LinkToken, NoContent, Path, Reply, Shown};
use crate::requests::Nothing;

/// A page with a button: programs that follow every link in a mail must not change anything.
pub(crate) async fn page(call: Call, Path(LinkToken(token)): Path<LinkToken>) -> Shown {
    call.send(&CheckUnsubscribe { token }).await?;
    let body = r#"<h1>Stop email digests</h1>
<p>Press the button, and you get no more emails about mentions, direct messages and answers. Emails about your account still come.
You can turn digests on again in the settings.</p>
<form method="post"><button type="submit">Unsubscribe</button></form>
<p>This page stays as it is when it is done.</p>"#;
    Ok(Reply::text("text/html; charset=utf-8", html::framed("Stop email digests", body)))
}

pub(crate) async fn end(
    call: Call,
    Path(LinkToken(token)): Path<LinkToken>,
    _: Nothing,
) -> NoContent {
    let accepted = call.send(&Unsubscribe { token }).await?;
    Ok(Reply::no_content().at(accepted.position))
}
