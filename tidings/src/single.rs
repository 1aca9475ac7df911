//! One service as a process of its own, on servers that run already.

use crate::cli::Service;
use crate::config::Config;
use crate::failure::Failure;

pub(crate) async fn run(_service: Service, _config: Config) -> Result<(), Failure> {
    Err(Failure::new("not wired"))
}
