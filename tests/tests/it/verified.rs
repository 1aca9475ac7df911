//! After (or amid) all the flows: the read models they shared are what the log says. The name of this module
//! puts it last.

use tests::kit::lasting;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shared_read_model_on_sqlite_is_what_the_log_says() {
    let installation = lasting::one_process_installation().await;
    tokio::task::block_in_place(|| installation.verify());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shared_read_model_on_mongodb_is_what_the_log_says() {
    if let Some(separate) = lasting::separate_installation().await {
        tokio::task::block_in_place(|| separate.verify());
    }
}
