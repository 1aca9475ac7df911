//! Secrets that settings name a file of, and settings that are judged together.

use crate::settings::Settings;

impl Settings {
    /// Only what is said of the bucket of files: each alone is nothing.
    pub(crate) fn of_the_bucket(&self) -> Self {
        let said = self.each().into_iter();
        let said = said.filter(|(name, ..)| *name == "blob_store" || name.starts_with("s3_"));
        said.fold(Self::default(), |all, (_, _, one)| all.over(one))
    }

    /// The secrets among them that are said by a file, read from it.
    ///
    /// # Errors
    /// A file that cannot be read or is empty, or a secret that is said twice: which, and what is wrong.
    pub(crate) fn with_secrets_read(mut self) -> Result<Self, String> {
        for (name, said, file) in [
            ("nats_url", &mut self.nats_url, &mut self.nats_url_file),
            ("read_model", &mut self.read_model, &mut self.read_model_file),
            ("smtp_url", &mut self.smtp_url, &mut self.smtp_url_file),
            ("s3_access_key", &mut self.s3_access_key, &mut self.s3_access_key_file),
            ("s3_secret_key", &mut self.s3_secret_key, &mut self.s3_secret_key_file),
        ] {
            let Some(file) = file.take() else { continue };
            if said.is_some() {
                return Err(format!("{name} and {name}_file: only one of them"));
            }
            let wrong = |what: &str| format!("{name}_file: {} {what}", file.display());
            let text = std::fs::read_to_string(&file)
                .map_err(|error| wrong(&format!("cannot be read: {error}")))?;
            let text = text.trim();
            if text.is_empty() {
                return Err(wrong("is empty"));
            }
            *said = Some(text.to_owned());
        }
        Ok(self)
    }
}
