//! (f): what an idle socket costs.

use std::time::Duration;

use super::fanout::{self, Audience};
use super::{Question, Rows, Scale};
use crate::machine::usage;
use crate::report::Goal;
use crate::servers::{self, Tidings};

fn total(server: &Tidings) -> (f64, f64) {
    let all = server.pids().into_iter().map(usage);
    all.fold((0.0, 0.0), |(rss, cpu), used| (rss + used.rss as f64, cpu + used.cpu))
}

/// (f): memory and processor time of 10,000 idle sockets. The values are absolute; the "baseline" is what Centrifugo
/// was measured to take on a machine like this.
pub(crate) async fn idle(scale: Scale<'_>) -> Rows {
    let sockets = scale.of(9_500);
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    // One user first, so that what is allocated once is not counted as a socket's.
    let (_, warm) = fanout::room_with_sockets(&server, "warm", 19).await?;
    let (rss_before, _) = total(&server);
    let (_, open) = fanout::room_with_sockets(&server, "f", sockets).await?;
    // They answer pings, or the server would close them within the minute.
    let (open, warm) = (Audience::of(open), Audience::of(warm));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (rss_after, cpu_before) = total(&server);
    // Sixty seconds hold two or three heartbeats of every socket.
    let window = Duration::from_secs(60).mul_f64(scale.size.clamp(0.1, 1.0));
    tokio::time::sleep(window).await;
    let (_, cpu_after) = total(&server);
    drop((open, warm));
    let kib = (rss_after - rss_before) / sockets as f64 / 1024.0;
    let micros = (cpu_after - cpu_before) / window.as_secs_f64() / sockets as f64 * 1e6;
    let memory = Question {
        name: format!("(f) memory per idle socket, {sockets} open"),
        unit: "KiB",
        against: "Centrifugo, 43 KiB (goal 12 KiB)".into(),
        goal: Goal::AtMost(12.0 / 43.0),
    };
    let processor = Question {
        name: format!("(f) CPU per idle socket, {sockets} open"),
        unit: "us/s",
        against: "Centrifugo, 7.5 us/s (goal 2.5)".into(),
        goal: Goal::AtMost(2.5 / 7.5),
    };
    Ok(vec![memory.answered(vec![(kib, 43.0)]), processor.answered(vec![(micros, 7.5)])])
}
