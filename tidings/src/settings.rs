//! One layer of settings as they were written: flags with their environment names, or a file.
//! Nothing here is checked beyond its shape; `config` turns the merged layers into what is used.

use std::path::PathBuf;

use serde::Deserialize;

use crate::oidc::OidcSettings;
use crate::written::Written;

/// Settings as written. Every one is optional: another layer may have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Address clients connect to [default: 127.0.0.1:8080]; port 0 takes a free one
    #[arg(long, env = "TIDINGS_LISTEN", value_name = "HOST:PORT|unix:PATH", global = true)]
    pub(crate) listen: Option<String>,

    /// Certificate to speak TLS with (PEM, with those between it and its authority); read anew when it changes
    #[arg(long, env = "TIDINGS_TLS_CERT", value_name = "FILE", global = true)]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Private key of the certificate (PEM)
    #[arg(long, env = "TIDINGS_TLS_KEY", value_name = "FILE", global = true)]
    pub(crate) tls_key: Option<PathBuf>,

    /// Address for operators: metrics, health with reasons [default: 127.0.0.1:0]
    #[arg(long, env = "TIDINGS_ADMIN_LISTEN", value_name = "HOST:PORT", global = true)]
    pub(crate) admin_listen: Option<String>,

    /// Folder for everything that is kept [default: ./data]
    #[arg(long, env = "TIDINGS_DATA", value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,

    /// NATS server to use instead of a private one
    #[arg(
        long,
        env = "TIDINGS_NATS_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    pub(crate) nats_url: Option<String>,

    /// File that holds the address of the NATS server, in place of --nats-url
    #[arg(long, env = "TIDINGS_NATS_URL_FILE", value_name = "FILE", global = true)]
    pub(crate) nats_url_file: Option<PathBuf>,

    /// The nats-server program for the private server
    #[arg(long, env = "TIDINGS_NATS_SERVER", value_name = "FILE", global = true)]
    pub(crate) nats_server: Option<PathBuf>,

    /// When the private server syncs to disk: `always`, or an interval like 1s [default: always]
    #[arg(long, env = "TIDINGS_SYNC", value_name = "WHEN", global = true)]
    pub(crate) sync: Option<String>,

    /// Copies of the log in a NATS cluster: 1, 3 or 5 [default: 1]
    #[arg(long, env = "TIDINGS_REPLICAS", value_name = "N", global = true)]
    pub(crate) replicas: Option<u8>,

    /// `sqlite`, or a mongodb:// address [default: sqlite]
    #[arg(
        long,
        env = "TIDINGS_READ_MODEL",
        value_name = "STORE",
        hide_env_values = true,
        global = true
    )]
    pub(crate) read_model: Option<String>,

    /// File that holds the address of the read model's database, in place of --read-model
    #[arg(long, env = "TIDINGS_READ_MODEL_FILE", value_name = "FILE", global = true)]
    pub(crate) read_model_file: Option<PathBuf>,

    /// Separates several Tidings on the same servers [default: tidings]
    #[arg(long, env = "TIDINGS_NAMESPACE", value_name = "NAME", global = true)]
    pub(crate) namespace: Option<String>,

    /// Folder of signing keys and the code secret [default: keys in the data folder]
    #[arg(long, env = "TIDINGS_KEYS", value_name = "DIR", global = true)]
    pub(crate) keys: Option<PathBuf>,

    /// File of the key that names are hashed with [default: names.secret in the folder of keys]
    #[arg(long, env = "TIDINGS_NAME_KEY", value_name = "FILE", global = true)]
    pub(crate) name_key: Option<PathBuf>,

    /// File of the key of one-time codes [default: otp.secret in the folder of keys]
    #[arg(long, env = "TIDINGS_CODE_KEY", value_name = "FILE", global = true)]
    pub(crate) code_key: Option<PathBuf>,

    /// Requests a person may make, like 100/min, or `off` [default: 100/min]
    #[arg(long, env = "TIDINGS_RATE_REQUESTS", value_name = "RATE", global = true)]
    pub(crate) rate_requests: Option<String>,

    /// Frames and REST writes a person may make, three times as many in a burst, or `off` [default: 20/s]
    #[arg(long, env = "TIDINGS_RATE_FRAMES", value_name = "RATE", global = true)]
    pub(crate) rate_frames: Option<String>,

    /// Reads of files a person may make, like 600/min, or `off` [default: 600/min]
    #[arg(long, env = "TIDINGS_RATE_MEDIA", value_name = "RATE", global = true)]
    pub(crate) rate_media: Option<String>,

    /// Largest file, like 100MB [default: 100MB]
    #[arg(long, env = "TIDINGS_MEDIA_MAX_FILE", value_name = "SIZE", global = true)]
    pub(crate) media_max_file: Option<String>,

    /// What the files of a person may take together, like 1GB, or `off` [default: 1GB]
    #[arg(long, env = "TIDINGS_MEDIA_QUOTA_PERSON", value_name = "SIZE", global = true)]
    pub(crate) media_quota_person: Option<String>,

    /// What all files may take together, like 500GB, or `off` [default: off]
    #[arg(long, env = "TIDINGS_MEDIA_QUOTA", value_name = "SIZE", global = true)]
    pub(crate) media_quota: Option<String>,

    /// How long a file is kept that is in no message: at most 24h, the default
    #[arg(long, env = "TIDINGS_MEDIA_UNUSED", value_name = "TIME", global = true)]
    pub(crate) media_unused: Option<String>,

    /// Origin of its own that files are read from, like `https://files.example.org`; it leads to the gateways, too
    #[arg(long, env = "TIDINGS_MEDIA_ORIGIN", value_name = "ORIGIN", global = true)]
    pub(crate) media_origin: Option<String>,

    /// Days after which messages move to the archive, or `off`; rooms may say fewer [default: off]
    #[arg(long, env = "TIDINGS_RETENTION_DAYS", value_name = "DAYS", global = true)]
    pub(crate) retention_days: Option<String>,

    /// What becomes of old messages: `archive` or `purge` [default: archive]
    #[arg(long, env = "TIDINGS_RETENTION", value_name = "WHAT", global = true)]
    pub(crate) retention: Option<String>,

    /// How often is looked for messages that are old enough for that, at most 24h [default: 1h]
    #[arg(long, env = "TIDINGS_RETENTION_INTERVAL", value_name = "TIME", global = true)]
    pub(crate) retention_interval: Option<String>,

    /// How long a day of retention is: 24h, the default; less only to see what happens
    #[arg(long, env = "TIDINGS_RETENTION_DAY", value_name = "TIME", global = true)]
    pub(crate) retention_day: Option<String>,

    /// How long texts of deleted messages stay in the log, like 30d, the default, or `keep`
    #[arg(long, env = "TIDINGS_DELETED_BODIES", value_name = "DAYS", global = true)]
    pub(crate) deleted_bodies: Option<String>,

    /// Where files are kept: `jetstream`, or `s3://BUCKET?endpoint=URL&region=R&path_style=true` [default: jetstream]
    #[arg(long, env = "TIDINGS_BLOB_STORE", value_name = "PLACE", global = true)]
    pub(crate) blob_store: Option<String>,

    /// Id of the key that the bucket of files is used with
    #[arg(long, env = "TIDINGS_S3_ACCESS_KEY", value_name = "KEY", global = true)]
    pub(crate) s3_access_key: Option<String>,

    /// File that holds that id, in place of --s3-access-key
    #[arg(long, env = "TIDINGS_S3_ACCESS_KEY_FILE", value_name = "FILE", global = true)]
    pub(crate) s3_access_key_file: Option<PathBuf>,

    /// Secret of that key
    #[arg(
        long,
        env = "TIDINGS_S3_SECRET_KEY",
        value_name = "KEY",
        hide_env_values = true,
        global = true
    )]
    pub(crate) s3_secret_key: Option<String>,

    /// File that holds that secret, in place of --s3-secret-key
    #[arg(long, env = "TIDINGS_S3_SECRET_KEY_FILE", value_name = "FILE", global = true)]
    pub(crate) s3_secret_key_file: Option<PathBuf>,

    /// Certificates (PEM) of an authority that the bucket's server is checked by, besides the usual ones
    #[arg(long, env = "TIDINGS_S3_CA_FILE", value_name = "FILE", global = true)]
    pub(crate) s3_ca_file: Option<PathBuf>,

    /// What a person may have stored, like 10MB/min, or `off` [default: 10MB/min]
    #[arg(long, env = "TIDINGS_RATE_BYTES", value_name = "RATE", global = true)]
    pub(crate) rate_bytes: Option<String>,

    /// Registrations, logins and resets an address may try, or `off` [default: 30/min]
    #[arg(long, env = "TIDINGS_RATE_AUTH", value_name = "RATE", global = true)]
    pub(crate) rate_auth: Option<String>,

    /// One-time codes of a kind an account may ask for, or `off` [default: 5/hour]
    #[arg(long, env = "TIDINGS_RATE_CODES", value_name = "RATE", global = true)]
    pub(crate) rate_codes: Option<String>,

    /// What accounts without a verified address may do: `everything`, `no-invites`, `read-only` [default: no-invites]
    #[arg(long, env = "TIDINGS_UNVERIFIED", value_name = "WHAT", global = true)]
    pub(crate) unverified: Option<String>,

    /// Who may register: `open`, `invite`, `domains:a.org,b.org`, `closed` [default: open]
    #[arg(long, env = "TIDINGS_REGISTRATION", value_name = "WHO", global = true)]
    pub(crate) registration: Option<String>,

    /// Work to hash a password, 4 to 31 [default: 12]
    #[arg(long, env = "TIDINGS_BCRYPT_COST", value_name = "COST", global = true)]
    pub(crate) bcrypt_cost: Option<u32>,

    /// Memory for recent events, like 128MiB, the default; other caches follow in proportion
    #[arg(long, env = "TIDINGS_MEMORY", value_name = "SIZE", global = true)]
    pub(crate) memory: Option<String>,

    /// Mail server, smtp://user:password@host:587; unset: mails become files in the data folder
    #[arg(
        long,
        env = "TIDINGS_SMTP_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    pub(crate) smtp_url: Option<String>,

    /// File that holds the address of the mail server, in place of --smtp-url
    #[arg(long, env = "TIDINGS_SMTP_URL_FILE", value_name = "FILE", global = true)]
    pub(crate) smtp_url_file: Option<PathBuf>,

    /// Certificates (PEM) of an authority of your own that the mail server's is checked by
    #[arg(long, env = "TIDINGS_SMTP_CA_FILE", value_name = "FILE", global = true)]
    pub(crate) smtp_ca_file: Option<PathBuf>,

    /// Sender of mails, like `Tidings <tidings@localhost>`, the default
    #[arg(long, env = "TIDINGS_MAIL_FROM", value_name = "ADDRESS", global = true)]
    pub(crate) mail_from: Option<String>,

    /// Origins whose pages may connect, separated by commas
    #[arg(
        long,
        env = "TIDINGS_ALLOWED_ORIGINS",
        value_name = "ORIGINS",
        value_delimiter = ',',
        global = true
    )]
    pub(crate) allowed_origins: Option<Vec<String>>,

    /// Where people reach the gateway, like `https://chat.example.org`: what links lead to
    #[arg(long, env = "TIDINGS_PUBLIC_URL", value_name = "URL", global = true)]
    pub(crate) public_url: Option<String>,

    /// Proxies whose X-Forwarded-* headers are believed: addresses and networks, separated by commas
    #[arg(
        long,
        env = "TIDINGS_TRUSTED_PROXIES",
        value_name = "ADDRESSES",
        value_delimiter = ',',
        global = true
    )]
    pub(crate) trusted_proxies: Option<Vec<String>>,

    /// How long a row of each request is kept, like 30d, or `off` [default: 30d]
    #[arg(long, env = "TIDINGS_REQUEST_LOG", value_name = "TIME", global = true)]
    pub(crate) request_log: Option<String>,

    /// Show the words of users in the audit trail; each read of it is an event then [default: false]
    #[arg(
        long,
        env = "TIDINGS_AUDIT_BODIES",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        global = true
    )]
    pub(crate) audit_bodies: Option<bool>,

    /// What is logged: a level or directives [default: info; at a terminal warn]
    #[arg(long, env = "TIDINGS_LOG", value_name = "FILTER", global = true)]
    pub(crate) log: Option<String>,

    /// How log lines are written: `json`, `text`, or `auto`: text at a terminal, else JSON [default: auto]
    #[arg(long, env = "TIDINGS_LOG_FORMAT", value_name = "FORMAT", global = true)]
    pub(crate) log_format: Option<String>,

    /// Collector of traces that takes OTLP
    #[arg(long, env = "TIDINGS_OTLP_ENDPOINT", value_name = "URL", global = true)]
    pub(crate) otlp_endpoint: Option<String>,

    /// How the collector is spoken to: `http/protobuf` or `grpc` [default: http/protobuf]
    #[arg(long, env = "TIDINGS_OTLP_PROTOCOL", value_name = "PROTOCOL", global = true)]
    pub(crate) otlp_protocol: Option<String>,

    /// Certificates (PEM) of an authority of your own that the collector's is checked by
    #[arg(long, env = "TIDINGS_OTLP_CA_FILE", value_name = "FILE", global = true)]
    pub(crate) otlp_ca_file: Option<PathBuf>,

    /// How much of the traces that begin here go to the collector, from 0 (none) to 1 (all) [default: 1]
    #[arg(long, env = "TIDINGS_TRACE_RATIO", value_name = "RATIO", global = true)]
    pub(crate) trace_ratio: Option<String>,

    /// Providers of single sign-on. In files only: each is a table of its own.
    #[arg(skip)]
    pub(crate) oidc: Option<Vec<OidcSettings>>,
}

macro_rules! each_setting {
    ($($field:ident),+ $(,)?) => {
        impl Settings {
            /// These settings, with those they leave open taken from a lower layer.
            pub(crate) fn over(self, lower: Self) -> Self {
                Self { $($field: self.$field.or(lower.$field)),+ }
            }

            /// Each setting that is said, by itself and as text.
            pub(crate) fn each(&self) -> Vec<(&'static str, String, Self)> {
                let mut each = Vec::new();
                $(if let Some(value) = &self.$field {
                    let alone = Self { $field: Some(value.clone()), ..Self::default() };
                    each.push((stringify!($field), Written::written(value), alone));
                })+
                each
            }
        }
    };
}

each_setting! {
    listen, admin_listen, data, nats_url, nats_server, sync, replicas, read_model, namespace, keys,
    name_key, code_key,
    rate_requests, rate_frames, rate_media, media_max_file, media_quota_person, media_quota, media_unused, media_origin,
    retention_days, retention, retention_interval, retention_day, deleted_bodies, rate_bytes, rate_auth, rate_codes, unverified, registration, bcrypt_cost, memory,
    smtp_url, smtp_url_file, smtp_ca_file, mail_from,
    allowed_origins, public_url, trusted_proxies, request_log, audit_bodies, log, log_format, otlp_endpoint, otlp_protocol, otlp_ca_file, trace_ratio,
    nats_url_file, read_model_file, oidc, tls_cert, tls_key,
    blob_store, s3_access_key, s3_access_key_file, s3_secret_key, s3_secret_key_file, s3_ca_file,
}

impl Settings {
    /// An empty text means "not set": that is how a shell or a compose file unsets a variable.
    pub(crate) fn without_empty(mut self) -> Self {
        for text in [
            &mut self.listen,
            &mut self.admin_listen,
            &mut self.nats_url,
            &mut self.sync,
            &mut self.read_model,
            &mut self.namespace,
            &mut self.rate_requests,
            &mut self.rate_frames,
            &mut self.rate_media,
            &mut self.media_max_file,
            &mut self.media_quota_person,
            &mut self.media_quota,
            &mut self.media_unused,
            &mut self.media_origin,
            &mut self.retention_days,
            &mut self.retention,
            &mut self.retention_interval,
            &mut self.retention_day,
            &mut self.deleted_bodies,
            &mut self.blob_store,
            &mut self.s3_access_key,
            &mut self.s3_secret_key,
            &mut self.rate_bytes,
            &mut self.rate_auth,
            &mut self.rate_codes,
            &mut self.unverified,
            &mut self.registration,
            &mut self.memory,
            &mut self.smtp_url,
            &mut self.mail_from,
            &mut self.public_url,
            &mut self.request_log,
            &mut self.log,
            &mut self.log_format,
            &mut self.otlp_endpoint,
            &mut self.otlp_protocol,
            &mut self.trace_ratio,
        ] {
            text.take_if(|text| text.is_empty());
        }
        for list in [&mut self.allowed_origins, &mut self.trusted_proxies].into_iter().flatten() {
            list.retain(|text| !text.is_empty());
        }
        self.without_empty_paths()
    }

    fn without_empty_paths(mut self) -> Self {
        for path in [
            &mut self.data,
            &mut self.nats_server,
            &mut self.keys,
            &mut self.name_key,
            &mut self.code_key,
            &mut self.smtp_url_file,
            &mut self.smtp_ca_file,
            &mut self.otlp_ca_file,
            &mut self.nats_url_file,
            &mut self.read_model_file,
            &mut self.tls_cert,
            &mut self.tls_key,
            &mut self.s3_access_key_file,
            &mut self.s3_secret_key_file,
            &mut self.s3_ca_file,
        ] {
            path.take_if(|path| path.as_os_str().is_empty());
        }
        self
    }
}
