//! Where a case runs: in the shared installation, beside the others or alone.

use std::future::Future;

use tests::kit::installation::{Installation, Place};
use tests::kit::lasting;
use tokio::sync::RwLock;

use crate::aftermath;

/// Held for reading by ordinary cases, for writing by those that want to be alone.
static STAGE: RwLock<()> = RwLock::const_new(());

/// Runs a case beside others and checks what it leaves.
pub(crate) async fn play<F: Future<Output = ()>>(case: impl FnOnce(Place) -> F) {
    let _others_may = STAGE.read().await;
    run(case).await;
}

/// Runs a case while nothing else runs.
pub(crate) async fn play_alone<F: Future<Output = ()>>(case: impl FnOnce(Place) -> F) {
    let _nobody_else = STAGE.write().await;
    run(case).await;
}

/// Runs a case in an installation of its own while nothing else runs.
pub(crate) async fn play_elsewhere<F: Future<Output = ()>>(
    flags: &[&str],
    case: impl FnOnce(Place) -> F,
) {
    let _nobody_else = STAGE.write().await;
    let installation = Installation::start(flags);
    installation.place.found().await;
    Box::pin(case(installation.place.clone())).await;
    aftermath::check(&installation).await;
}

/// Flags of an installation without limits whose passwords cost this much.
pub(crate) fn without_limits_at_cost(cost: &str) -> [&str; 10] {
    [
        "--bcrypt-cost",
        cost,
        "--rate-auth",
        "off",
        "--rate-requests",
        "off",
        "--rate-frames",
        "off",
        "--rate-bytes",
        "off",
    ]
}

async fn run<F: Future<Output = ()>>(case: impl FnOnce(Place) -> F) {
    let installation = lasting::one_process_installation().await;
    Box::pin(case(installation.place.clone())).await;
    aftermath::check(installation).await;
}

/// Whether the cases that take longer are wanted too.
pub(crate) fn long() -> bool {
    std::env::var_os("TIDINGS_LONG_TESTS").is_some_and(|said| said != "0" && !said.is_empty())
}
