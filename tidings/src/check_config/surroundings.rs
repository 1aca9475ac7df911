//! What settings name: folders, files, keys, programs and ports.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use blobs::Probe;
use gateway::{Certificate, Listen, try_address};
use nix::unistd::{AccessFlags, access};
use schemas::Timestamp;
use telemetry::error_chain;

use super::findings::Findings;
use crate::cli::Role;
use crate::config::Config;
use crate::files::{Bucket, FileStore};
use crate::nats;
use crate::oidc;
use crate::owner;
use crate::secret_file;
use crate::service_name::ServiceName;

/// A certificate that expires within a week is worth a warning, in seconds.
const SOON: i64 = 7 * 24 * 3600;

/// Judges what a process in this role would meet.
pub(super) fn judge(config: &Config, role: Role, findings: &mut Findings) {
    data(config, findings);
    keys(config, role, findings);
    if role == Role::Serve
        && config.nats_url.is_none()
        && let Err(failure) = nats::find(config.nats_server.as_deref())
    {
        findings.errors.push(format!("nats_server: {failure}"));
    }
    if runs(role, ServiceName::Notifier) {
        authority(config.smtp_ca_file.as_deref(), findings);
    }
    if runs(role, ServiceName::AuthSvc)
        && let Err(failure) = oidc::providers(&config.oidc)
    {
        findings.errors.push(failure.to_string());
    }
    let moves_files = runs(role, ServiceName::ChatSvc) || runs(role, ServiceName::Gateway);
    if let (true, FileStore::S3(of_files)) = (moves_files, &config.file_store) {
        bucket(of_files, config, findings);
    }
    ports(config, findings);
    if role.is_public() {
        certificate(config, findings);
        origins(config, findings);
    }
}

/// Whether a process in this role runs a service.
fn runs(role: Role, service: ServiceName) -> bool {
    role == Role::Serve || role == Role::Service(service)
}

fn data(config: &Config, findings: &mut Findings) {
    let folder = &config.data;
    // A folder that is not there yet is made in the first that is.
    let there = folder.ancestors().find(|one| one.exists());
    let there = there.filter(|one| !one.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !there.is_dir() {
        findings.errors.push(format!("data: {} is not a folder", there.display()));
    } else if access(there, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        findings.errors.push(format!("data: {} cannot be written", there.display()));
    }
    if let Err(failure) = owner::not_another(folder) {
        findings.errors.push(format!("data: {failure}"));
    }
}

fn keys(config: &Config, role: Role, findings: &mut Findings) {
    let signs = runs(role, ServiceName::AuthSvc);
    let names = signs || runs(role, ServiceName::ChatSvc) || runs(role, ServiceName::Notifier);
    let codes = signs || runs(role, ServiceName::Notifier);
    for (setting, file, wanted) in
        [("name_key", &config.name_key, names), ("code_key", &config.code_key, codes)]
    {
        if !wanted {
            continue;
        }
        match secret_file::read(file) {
            Ok(Some(_)) => private(setting, file, findings),
            // The first start of `serve` makes it; processes on several machines must be given the same.
            Ok(None) if role == Role::Serve => {}
            Ok(None) => findings.warnings.push(format!(
                "{setting}: {} is not there, and would be made: all services must have the same",
                file.display()
            )),
            Err(error) => findings.errors.push(format!("{setting}: {}: {error}", file.display())),
        }
    }
    if signs && config.keys.exists() {
        match fs::read_dir(&config.keys) {
            Ok(entries) => {
                let files = entries.filter_map(Result::ok).map(|entry| entry.path());
                let keys =
                    files.filter(|path| path.extension().is_some_and(|ending| ending == "pk8"));
                keys.for_each(|path| private("keys", &path, findings));
            }
            Err(error) => {
                findings.errors.push(format!("keys: {}: {error}", config.keys.display()));
            }
        }
    }
}

/// Warns of a secret that other accounts of this machine can read.
fn private(setting: &str, file: &Path, findings: &mut Findings) {
    let mode = fs::metadata(file).map(|about| about.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o007 != 0) {
        findings.warnings.push(format!(
            "{setting}: {} can be read by every account of this machine (chmod 600)",
            file.display()
        ));
    }
}

fn authority(file: Option<&Path>, findings: &mut Findings) {
    let Some(file) = file else { return };
    match fs::read_to_string(file) {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => {}
        Ok(_) => {
            findings.errors.push(format!("smtp_ca_file: {} holds no certificate", file.display()));
        }
        Err(error) => {
            findings.errors.push(format!("smtp_ca_file: {}: {error}", file.display()));
        }
    }
}

/// Asks the bucket of files whether it can be used.
fn bucket(bucket: &Bucket, config: &Config, findings: &mut Findings) {
    let secure = config.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    if secure && !bucket.place.is_secure() {
        findings.warnings.push(
            "blob_store: clients reach the bucket over plain text, and public_url is https: browsers refuse that"
                .to_owned(),
        );
    }
    let store = match bucket.open(&config.namespace) {
        Ok(store) => store,
        Err(failure) => return findings.errors.push(failure.to_string()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let found = match runtime {
        Ok(runtime) => runtime.block_on(store.probe()),
        Err(error) => return findings.errors.push(format!("blob_store: {error}")),
    };
    match found {
        Probe::Well => {}
        Probe::KeepsVersions => findings.warnings.push(
            "blob_store: the bucket keeps former versions: files that are deleted and erased stay in it".to_owned(),
        ),
        Probe::Refused(error) => {
            findings.errors.push(format!("blob_store: {}", error_chain(&error)));
        }
        // A store that comes later is met by a process that runs.
        Probe::Away(error) => {
            findings.warnings.push(format!("blob_store: {}", error_chain(&error)));
        }
    }
}

fn ports(config: &Config, findings: &mut Findings) {
    let listen = match &config.listen {
        Some(Listen::Tcp(address)) => Some(*address),
        Some(Listen::Unix(path)) => {
            unix_socket(path, findings);
            None
        }
        None => None,
    };
    if let (Some(listen), Some(admin)) = (listen, config.admin_listen)
        && listen.port() == admin.port()
        && listen.port() != 0
        && overlap(listen, admin)
    {
        findings.errors.push(format!("listen and admin_listen are both {listen}"));
        return;
    }
    for (setting, address) in [("listen", listen), ("admin_listen", config.admin_listen)] {
        let Some(address) = address else { continue };
        match TcpListener::bind(address).map_err(|error| (error.kind(), error)) {
            Ok(_) => {}
            // A server that runs may be what is checked.
            Err((ErrorKind::AddrInUse, _)) => {
                findings.warnings.push(format!("{setting}: {address} is in use now"));
            }
            Err((_, error)) => findings.errors.push(format!("{setting}: {address}: {error}")),
        }
    }
}

/// A Unix socket is made in a folder that is there, in place of nothing but one that was left behind.
fn unix_socket(path: &Path, findings: &mut Findings) {
    let folder = path.parent().unwrap_or(Path::new("/"));
    match try_address(&Listen::Unix(path.to_owned())) {
        Ok(()) if access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_err() => {
            findings.errors.push(format!("listen: {} cannot be written", folder.display()));
        }
        Ok(()) => {}
        // A server that runs may be what is checked.
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            findings.warnings.push(format!("listen: {} is in use now", path.display()));
        }
        Err(error) => findings.errors.push(format!("listen: {}: {error}", path.display())),
    }
}

/// Judges the certificate as a start would.
fn certificate(config: &Config, findings: &mut Findings) {
    let Some(files) = &config.tls else { return };
    let now = Timestamp::now();
    match Certificate::read(files, now) {
        Ok(certificate) if certificate.until < now.plus_seconds(SOON) => {
            findings.warnings.push(format!("tls_cert: it expires at {}", certificate.until));
        }
        Ok(_) => {}
        Err(error) => findings.errors.push(format!("tls: {}", error_chain(&error))),
    }
    private("tls_key", &files.key, findings);
}

/// Whether what listens at one address keeps the other from it.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified()
}

fn origins(config: &Config, findings: &mut Findings) {
    findings.warnings.extend(config.exposed().map(str::to_owned));
    let secure = config.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    let plain = config.allowed_origins.iter().find(|origin| {
        let host = origin.strip_prefix("http://");
        host.is_some_and(|host| !host.starts_with("localhost") && !host.starts_with("127.0.0.1"))
    });
    if let (true, Some(origin)) = (secure, plain) {
        findings.warnings.push(format!(
            "allowed_origins: pages of {origin} come over plain text, and public_url is https"
        ));
    }
}
