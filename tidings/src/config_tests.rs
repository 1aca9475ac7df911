//! Layers and their checks.

use super::*;

fn load(flags: Settings, file: Option<&str>, own: Option<&str>) -> Result<Config, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("given.toml");
    if let Some(text) = file {
        std::fs::write(&path, text).unwrap();
    }
    if let Some(text) = own {
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
    }
    let data = Some(folder.path().to_owned());
    Config::load(Settings { data, ..flags }, file.map(|_| path.as_path()), Role::Serve)
}

fn message(result: Result<Config, Failure>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn defaults_are_what_the_design_says() {
    let config = load(Settings::default(), None, None).unwrap();
    assert_eq!(config.listen.unwrap().to_string(), "127.0.0.1:8080");
    assert_eq!(config.bcrypt_cost, 12);
    assert_eq!(config.sync, Sync::Always);
    assert_eq!(config.namespace.as_str(), "tidings");
    assert_eq!(config.keys, config.data.join("keys"));
    assert_eq!(config.read_model, ReadModelUrl::Sqlite(config.data.join("read")));
    let per_minute = config.rate_requests.unwrap();
    assert_eq!((per_minute.count.get(), per_minute.per), (100, Duration::from_secs(60)));
}

#[test]
fn flags_win_over_the_given_file_and_that_over_the_data_folders() {
    let flags = Settings { bcrypt_cost: Some(5), ..Settings::default() };
    let given = "bcrypt_cost = 6\nnamespace = \"given\"\n";
    let own = "bcrypt_cost = 7\nnamespace = \"own\"\nrate_auth = \"off\"\n";
    let config = load(flags, Some(given), Some(own)).unwrap();
    assert_eq!(config.bcrypt_cost, 5);
    assert_eq!(config.namespace.as_str(), "given");
    assert_eq!(config.rate_auth, None);
}

#[test]
fn unknown_keys_are_refused_without_showing_the_line() {
    let text = message(load(Settings::default(), Some("\nsmtp_password = \"hunter2\"\n"), None));
    assert!(text.contains("line 2") && text.contains("smtp_password"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn logs_are_text_at_a_terminal_unless_the_settings_say_otherwise() {
    assert_eq!(load(Settings::default(), None, None).unwrap().log_format, LogFormat::Auto);
    let flags = Settings { log_format: Some("json".to_owned()), ..Settings::default() };
    let config = load(flags, Some("log_format = \"text\""), None).unwrap();
    assert_eq!(config.log_format, LogFormat::Json);
}

#[test]
fn the_data_folder_cannot_move_itself() {
    assert!(message(load(Settings::default(), None, Some("data = \"/x\"\n"))).contains("data"));
}

#[test]
fn an_empty_text_is_not_set() {
    let flags = Settings { nats_url: Some(String::new()), ..Settings::default() };
    assert_eq!(load(flags, None, None).unwrap().nats_url, None);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let replicated = Settings { replicas: Some(3), ..Settings::default() };
    assert!(message(load(replicated, None, None)).contains("nats-url"));
    let alone = Config::load(
        Settings::default(),
        None,
        Role::Service(crate::service_name::ServiceName::AuthSvc),
    );
    assert!(message(alone).contains("--nats-url"));
}

#[test]
fn every_value_is_checked() {
    for bad in [
        "listen = \"nowhere\"",
        "listen = \"unix:chat.sock\"",
        "tls_cert = \"cert.pem\"",
        "tls_key = \"key.pem\"",
        "listen = \"unix:/a\"\ntls_cert = \"c\"\ntls_key = \"k\"",
        "nats_url = \"http://x\"",
        "nats_url = \"nats://a\"\nreplicas = 2",
        "read_model = \"postgres://x\"",
        "namespace = \"a.b\"",
        "rate_requests = \"many\"",
        "bcrypt_cost = 3",
        "smtp_url = \"mail.example.org\"",
        "mail_from = \"no address\"",
        "allowed_origins = [\"https://a/b\"]",
        "allowed_origins = [\"*\"]",
        "trusted_proxies = [\"proxy\"]",
        "trusted_proxies = [\"10.0.0.0/33\"]",
        "trusted_proxies = [\"10.0.0.0/-1\"]",
        "trusted_proxies = [\"10.0.0/8\"]",
        "admin_listen = \"nowhere\"",
        "rate_bytes = \"10MB\"",
        "rate_bytes = \"10/min\"",
        "sync = \"sometimes\"",
        "otlp_endpoint = \"127.0.0.1:4318\"",
        "otlp_protocol = \"http/json\"",
        "otlp_ca_file = \"/no/such/file\"",
        "trace_ratio = \"2\"",
        "blob_store = \"s3://files\"",
        "blob_store = \"file:///files\"",
        "blob_store = \"s3://files\"\ns3_access_key = \"a\"",
        "s3_secret_key_file = \"/no/such/file\"",
        "log = \"tidings=loud\"",
        "log_format = \"xml\"",
    ] {
        let failure = load(Settings::default(), Some(bad), None);
        assert!(failure.is_err(), "{bad}");
    }
}

#[test]
fn proxies_are_addresses_and_networks() {
    let text =
        "trusted_proxies = [\"10.0.0.5\", \"10.1.2.3/8\", \"fd00::/8\", \"::ffff:192.0.2.1\"]";
    let config = load(Settings::default(), Some(text), None).unwrap();
    let networks: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.5/32", "10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]);
}

#[test]
fn plain_text_beyond_this_machine_is_warned_of() {
    let exposed = |listen: &str, proxies: &str| {
        let text = format!("listen = \"{listen}\"\ntrusted_proxies = [{proxies}]");
        load(Settings::default(), Some(&text), None).unwrap().exposed().is_some()
    };
    assert!(exposed("0.0.0.0:80", ""));
    assert!(exposed("[::]:80", ""));
    assert!(exposed("192.0.2.1:80", ""));
    assert!(!exposed("0.0.0.0:80", "\"10.0.0.0/8\""));
    assert!(!exposed("127.0.0.2:80", ""));
    assert!(!exposed("[::1]:80", ""));
}
